"""The calls of GitHub's REST API that Bunkhouse makes."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from bunkhouse.errors import InvalidInput, NotFound, UpstreamFailed
from bunkhouse.forges.forge import (
    Account,
    Application,
    Branch,
    CheckRun,
    Comment,
    Issue,
    PullRequest,
    Repository,
    Review,
    Tokens,
)
from bunkhouse.forges.github import wire
from bunkhouse.forges.github.http import Http, api_of, revoked

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

_PAGE = 100
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")
_OWNER = re.compile(r"[A-Za-z0-9_-]+")
_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")
_USUAL_PORTS = {"https": 443, "http": 80}


def place_of(url: str) -> tuple[str, str]:
    """The address of a GitHub as all else begins with it, and its host, with an unusual port.

    Raises:
        InvalidInput: it is no such address.
    """
    try:
        parts = urlsplit(url.strip().rstrip("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    named = _HOST.fullmatch(parts.hostname or "") and parts.username is None
    more = parts.path or parts.query or parts.fragment
    if parts.scheme not in _USUAL_PORTS or not parts.hostname or not named or more:
        raise InvalidInput(
            f"`{url[:200]}` is not the address of a GitHub.",
            remedy="Give it as `https://github.example.org`.",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port in (None, _USUAL_PORTS[parts.scheme]) else f"{name}:{port}"
    return f"{parts.scheme}://{host}", host


class GitHub:
    """GitHub at one address: `https://github.com`, or that of a GitHub Enterprise Server."""

    kind = "github"

    def __init__(
        self,
        url: str = "https://github.com",
        *,
        connect_seconds: float = 15.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`url`: where people look at it. `clock` gives the time in UTC.

        Raises:
            InvalidInput: it is no such address.
        """
        self.url, self.host = place_of(url)
        dotcom = self.url == "https://github.com"
        shown = "GitHub" if dotcom else f"GitHub at {self.host}"
        self._shown = shown
        self._clock = clock
        self._http = Http(api_of(self.url), shown, connect_seconds=connect_seconds)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    def repository_of(self, url: str) -> str | None:
        """`owner/name` of the repository that is cloned from a URL; None: it is not of here."""
        if not url.startswith(f"{self.url}/"):
            return None
        owner, _, name = url.removeprefix(f"{self.url}/").removesuffix(".git").partition("/")
        return f"{owner}/{name}" if owner and name and "/" not in name else None

    def authorization(self, token: str) -> str:
        """The `Authorization` header for git: any user name will do, the token is the password."""
        return f"Basic {base64.b64encode(f'x-access-token:{token}'.encode()).decode()}"

    # ── people ───────────────────────────────────────────────────────────────────────────────

    async def account(self, token: str) -> tuple[Account, tuple[str, ...]]:
        """Whose token this is, and its scopes; none are said of tokens with finer rights."""
        said, headers = await self._http.call(token, "GET", "/user")
        scopes = headers.get("x-oauth-scopes", "")
        return (
            self._one(wire.User, said).plain(),
            tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
        )

    async def refreshed(self, application: Application, refresh_token: str) -> Tokens:
        """New tokens for old ones, which are void then.

        Raises:
            GrantRevoked: the old one was used already, or is too old.
            UpstreamFailed: GitHub fails, or does not know the application.
        """
        asked = self._clock()
        said = await self._http.form(
            f"{self.url}/login/oauth/access_token",
            {
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "grant_type": "refresh_token",
                "refresh_token": refresh_token,
            },
        )
        answer = self._one(wire.Refreshed, said)
        if answer.error == "bad_refresh_token":
            raise revoked(self._shown)
        if answer.access_token is None:
            raise UpstreamFailed(
                f"{self._shown} gives no new token: {(answer.error or 'no reason given')[:100]}.",
                remedy="Check the application's client id and secret.",
                code="forge_failed",
            )
        lasts = None if answer.expires_in is None else timedelta(seconds=answer.expires_in)
        return Tokens(
            access_token=answer.access_token,
            refresh_token=answer.refresh_token,
            expires_at=None if lasts is None else asked + lasts,
            scopes=tuple(part for part in answer.scope.split(",") if part),
        )

    async def made_app(self, code: str) -> wire.MadeApp:
        """The App that GitHub made of a manifest, for the code that it gave for it; it does once.

        Raises:
            NotFound: the code was used before, is too old (an hour), or is none.
            InvalidInput, TooMany, UpstreamFailed: as GitHub says.
        """
        path = f"/app-manifests/{quote(code, safe='')}/conversions"
        said, _ = await self._http.call(None, "POST", path)
        return self._one(wire.MadeApp, said)

    # ── repositories ─────────────────────────────────────────────────────────────────────────

    async def repositories(self, token: str, *, limit: int = 30) -> Sequence[Repository]:
        """Those that this person can reach, by newest push."""
        query = {"sort": "pushed", "direction": "desc"}
        found = await self._pages(token, "/user/repos", wire.REPOSITORIES, query, limit)
        return [each.plain() for each in found]

    async def search(self, token: str, text: str, *, limit: int = 30) -> Sequence[Repository]:
        """Those that are found for a text, among all that this person can see."""
        # Names are searched without their owners, whom GitHub takes for themselves.
        owner, _, rest = text.rpartition("/")
        words = f"{rest} user:{owner}" if _OWNER.fullmatch(owner) else text
        query = {"q": f"{words} in:name fork:true".strip(), "per_page": min(limit, _PAGE)}
        said, _ = await self._http.call(token, "GET", "/search/repositories", query=query)
        return [each.plain() for each in self._one(wire.Found, said).items]

    async def repository(self, token: str, name: str) -> Repository:
        """One, by `owner/name`."""
        return (await self._get(token, _repo(name), wire.Repository)).plain()

    async def branches(self, token: str, name: str, *, limit: int = 300) -> Sequence[Branch]:
        """Its branches, by name."""
        path = f"{_repo(name)}/branches"
        return [each.plain() for each in await self._pages(token, path, wire.BRANCHES, {}, limit)]

    # ── issues ───────────────────────────────────────────────────────────────────────────────

    async def issues(self, token: str, name: str, *, limit: int = 30) -> Sequence[Issue]:
        """Its open issues, newest first; pull requests are not among them."""
        found = await self._pages(token, f"{_repo(name)}/issues", wire.ISSUES, {}, limit)
        plain = [each.plain() for each in found]
        return [each for each in plain if not each.is_pull_request]

    async def issue(self, token: str, name: str, number: int) -> Issue:
        """One issue."""
        return (await self._get(token, f"{_repo(name)}/issues/{number}", wire.Issue)).plain()

    async def comments(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Comment]:
        """What is said on an issue or a pull request, oldest first."""
        path = f"{_repo(name)}/issues/{number}/comments"
        return [each.plain() for each in await self._pages(token, path, wire.COMMENTS, {}, limit)]

    # ── pull requests ────────────────────────────────────────────────────────────────────────

    async def pull_requests(
        self, token: str, name: str, *, head: str | None = None, limit: int = 30
    ) -> Sequence[PullRequest]:
        """Its open pull requests, newest first. `head`: only that of this branch of its own."""
        query = {} if head is None else {"head": f"{name.partition('/')[0]}:{head}"}
        path = f"{_repo(name)}/pulls"
        found = await self._pages(token, path, wire.PULL_REQUESTS, query, limit)
        return [each.plain() for each in found]

    async def pull_request(self, token: str, name: str, number: int) -> PullRequest:
        """One pull request."""
        return (await self._get(token, f"{_repo(name)}/pulls/{number}", wire.PullRequest)).plain()

    async def reviews(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Review]:
        """Reviews of a pull request, oldest first."""
        path = f"{_repo(name)}/pulls/{number}/reviews"
        return [each.plain() for each in await self._pages(token, path, wire.REVIEWS, {}, limit)]

    async def review_comments(
        self, token: str, name: str, number: int, *, limit: int = 300
    ) -> Sequence[Comment]:
        """Comments on lines of a pull request, oldest first."""
        path = f"{_repo(name)}/pulls/{number}/comments"
        return [each.plain() for each in await self._pages(token, path, wire.COMMENTS, {}, limit)]

    async def checks(
        self, token: str, name: str, commit: str, *, limit: int = 100
    ) -> Sequence[CheckRun]:
        """The newest runs of each check of a commit or branch."""
        path = f"{_repo(name)}/commits/{quote(commit, safe='')}/check-runs"
        query = {"per_page": min(limit, _PAGE)}
        said, _ = await self._http.call(token, "GET", path, query=query)
        return [each.plain() for each in self._one(wire.CheckRuns, said).check_runs]

    async def open_pull_request(
        self, token: str, name: str, *, head: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Ask to merge one branch of the repository into another."""
        given = {"title": title, "head": head, "base": base, "body": body, "draft": draft}
        said, _ = await self._http.call(token, "POST", f"{_repo(name)}/pulls", body=given)
        return self._one(wire.PullRequest, said).plain()

    async def change_pull_request(
        self,
        token: str,
        name: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
    ) -> PullRequest:
        """Change what is given."""
        given = {"title": title, "body": body, "state": state}
        wanted = {key: value for key, value in given.items() if value is not None}
        path = f"{_repo(name)}/pulls/{number}"
        said, _ = await self._http.call(token, "PATCH", path, body=wanted)
        return self._one(wire.PullRequest, said).plain()

    # ── within ───────────────────────────────────────────────────────────────────────────────

    async def _get(self, token: str, path: str, kind: type[M]) -> M:
        said, _ = await self._http.call(token, "GET", path)
        return self._one(kind, said)

    async def _pages(
        self,
        token: str,
        path: str,
        kind: TypeAdapter[list[T]],
        query: Mapping[str, str],
        limit: int,
    ) -> list[T]:
        """As many items as there are, up to the limit."""
        items: list[T] = []
        size = min(limit, _PAGE)
        page = 1
        while len(items) < limit:
            asked = {**query, "per_page": size, "page": page}
            said, _ = await self._http.call(token, "GET", path, query=asked)
            try:
                found = kind.validate_python(said)
            except ValidationError as error:
                raise self._http.unexpected() from error
            items += found
            if len(found) < size:
                break
            page += 1
        return items[:limit]

    def _one(self, kind: type[M], said: Any) -> M:
        try:
            return kind.model_validate(said)
        except ValidationError as error:
            raise self._http.unexpected() from error


def _repo(name: str) -> str:
    """The path of a repository, whose name may be anything that a person typed."""
    if not _NAME.fullmatch(name):
        raise NotFound(
            f"`{name[:200]}` is not the name of a repository.",
            remedy="Give `owner/name`.",
            code="forge_not_found",
        )
    return f"/repos/{name}"
