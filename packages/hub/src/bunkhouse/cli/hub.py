"""The hub as the command line talks to it: finds it, signs in, asks, and understands its errors."""

import asyncio
import contextlib
import ipaddress
import os
import secrets
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from bunkhouse.addresses import LOCAL_NAME
from bunkhouse.cli import presence
from bunkhouse.errors import BunkhouseError, Conflict, InvalidInput, NotFound, Unavailable
from bunkhouse.settings import Settings

_SECONDS = 30.0
_PAGE = 200
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""In seconds, between the attempts at a request that may be repeated."""


class HubRefused(BunkhouseError):
    """The hub answered with a problem; `http_status` is its status."""

    code = "refused"

    def __init__(self, message: str, *, remedy: str | None, code: str, http_status: int) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.http_status = http_status


class HubGone(Unavailable):
    """The hub does not answer."""

    code = "hub_unreachable"


class Hub:
    """A hub to talk to."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.token = token
        # A proxy of the environment is not meant for this machine's own addresses.
        self.client = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=_SECONDS,
            trust_env=not self.is_local,
        )

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, so that a folder here is one there."""
        host = urlsplit(self.url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def page(self, session_id: str) -> str:
        """Give the address of a session's page.

        Loopback has the name that the sign-in link has: a cookie is for one name alone.
        """
        address = urlsplit(self.url)
        if self.is_local:
            address = address._replace(netloc=f"{LOCAL_NAME}:{address.port}")
        return f"{address.geturl()}/sessions/{session_id}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        seconds: float = _SECONDS,
        once: bool = False,
        **query: object,
    ) -> Any:
        """Ask and give the answer's JSON (None without a body).

        `json` or `content` is what is sent; `seconds`: how long the hub may take. With `once` the
        request has a key by which the hub does it once, so it is repeated where the hub is away.

        Raises:
            HubRefused: with the hub's own sentence.
            HubGone: it does not answer.
        """
        params = {name: str(value) for name, value in query.items() if value is not None}
        headers = {"Idempotency-Key": secrets.token_urlsafe(16)} if once else {}
        pauses = list(_PAUSES) if once else []
        while True:
            try:
                with self.reaching():
                    answer = self.client.request(
                        method,
                        path,
                        json=json,
                        content=content,
                        params=params,
                        headers=headers,
                        timeout=seconds,
                    )
                    check(answer)
            except HubGone:
                if not pauses:
                    raise
                time.sleep(pauses.pop(0))
            else:
                return answer.json() if answer.content else None

    @contextlib.contextmanager
    def download(self, path: str, **query: str) -> Generator[tuple[str, Iterator[bytes]]]:
        """Give a file's name and its pieces as they come.

        Raises:
            HubRefused: with the hub's own sentence.
            HubGone: it does not answer, or broke off in the middle.
        """
        with self.reaching(), self.client.stream("GET", path, params=query) as answer:
            check(answer)
            said = answer.headers.get("content-disposition", "")
            name = Path(said.partition('filename="')[2].partition('"')[0]).name
            yield name or "bunkhouse-export", answer.iter_bytes()

    @contextlib.contextmanager
    def reaching(self) -> Generator[None]:
        """Turn what the network does into a sentence."""
        try:
            yield
        except httpx2.TimeoutException as error:
            raise HubGone(
                f"The hub at {self.url} did not answer in time.", remedy="Try again in a moment."
            ) from error
        except httpx2.TransportError as error:
            raise HubGone(
                f"The hub at {self.url} can't be reached.",
                remedy="Start it with `bunkhouse serve`, or check BUNKHOUSE_URL.",
            ) from error

    def session(self, prefix: str) -> dict[str, Any]:
        """Give the session whose id is, or alone begins with, `prefix`.

        Raises:
            NotFound: there is none.
            Conflict: there are several.
        """
        cursor: str | None = None
        found: list[dict[str, Any]] = []
        while True:
            page = self.ask("GET", "/api/sessions", limit=_PAGE, cursor=cursor)
            found += [each for each in page["items"] if each["id"].startswith(prefix)]
            exact = [each for each in found if each["id"] == prefix]
            if exact:
                return exact[0]
            cursor = page["next"]
            if cursor is None:
                break
        if not found:
            raise NotFound(
                f"There is no session {prefix}.", remedy="`bunkhouse sessions` lists them."
            )
        if len(found) > 1:
            names = ", ".join(each["id"] for each in found[:5])
            raise Conflict(f"Several sessions begin with {prefix}: {names}.", remedy="Say more.")
        return found[0]


def check(answer: httpx2.Response) -> None:
    """Raise what the hub refused."""
    if answer.is_success:
        return
    answer.read()
    try:
        problem = answer.json()
        raise HubRefused(
            str(problem["detail"]),
            remedy=problem.get("remedy"),
            code=str(problem["code"]),
            http_status=answer.status_code,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"{answer.url.scheme}://{answer.url.netloc.decode()} answered {answer.status_code}, "
            "and not as a hub does.",
            remedy="Check BUNKHOUSE_URL.",
        ) from error


def find(settings: Settings) -> Hub | None:
    """Find a hub: the one that the environment names, else the one of the data folder.

    Raises:
        InvalidInput: BUNKHOUSE_URL is set and BUNKHOUSE_TOKEN is not.
    """
    url, token = os.environ.get("BUNKHOUSE_URL"), os.environ.get("BUNKHOUSE_TOKEN")
    if url:
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidInput(
                f"BUNKHOUSE_URL is no address: {url}", remedy="Give it as http://HOST:PORT."
            )
        if not token:
            raise InvalidInput(
                "BUNKHOUSE_URL is set, and BUNKHOUSE_TOKEN is not.",
                remedy="Make a token with `bunkhouse token create` on the hub's machine.",
            )
        return Hub(url, token)
    found = presence.running(settings.data_dir)
    return None if found is None else local_hub(settings, found.url)


def connect(settings: Settings) -> Hub:
    """Find a hub that runs.

    Raises:
        Unavailable: there is none.
    """
    hub = find(settings)
    if hub is None:
        raise Unavailable(
            f"No hub runs on {settings.data_dir}.",
            remedy="Start one with `bunkhouse serve`, or name one with BUNKHOUSE_URL and "
            "BUNKHOUSE_TOKEN.",
        )
    return hub


def local_hub(settings: Settings, url: str) -> Hub:
    """Talk to the hub of our own data folder, with a token made for it in its database."""
    kept = settings.data_dir / "cli-token"
    token = os.environ.get("BUNKHOUSE_TOKEN") or _read(kept)
    if token is not None:
        hub = Hub(url, token)
        try:
            hub.ask("GET", "/api/me")
        except HubRefused as error:
            if error.http_status != 401:
                raise
        else:
            return hub
    token = asyncio.run(_make_token(settings))
    kept.unlink(missing_ok=True)
    with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token)
    return Hub(url, token)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except OSError:
        return None


async def _make_token(settings: Settings) -> str:
    from bunkhouse.cli.people import opened_people  # noqa: PLC0415 - the database is slow to import

    async with opened_people(settings) as people:
        _, secret = await people.create_token(await people.first_admin(), "command line")
        return secret
