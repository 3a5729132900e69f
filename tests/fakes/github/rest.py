"""The REST calls of the fake GitHub: the state of its world on top of GitHub's own examples."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.github.description import Description, Operation
from tests.fakes.github.world import Application, Person, Repository, Token, World

DOCS = "https://docs.github.com/rest"

_PERMISSIONS = {
    "GET /user/emails": ("emails", "read"),
    "GET /repos/{owner}/{repo}/branches": ("contents", "read"),
    "GET /repos/{owner}/{repo}/issues": ("issues", "read"),
    "GET /repos/{owner}/{repo}/issues/{issue_number}": ("issues", "read"),
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": ("issues", "read"),
    "GET /repos/{owner}/{repo}/pulls": ("pull_requests", "read"),
    "POST /repos/{owner}/{repo}/pulls": ("pull_requests", "write"),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}": ("pull_requests", "read"),
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": ("pull_requests", "write"),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": ("pull_requests", "read"),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/comments": ("pull_requests", "read"),
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": ("checks", "read"),
}
"""What a GitHub App has to be made for to do this."""


class Refused(Exception):
    """An answer that is a refusal."""

    def __init__(self, status: int, message: str, *errors: dict[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "message": message,
            "documentation_url": DOCS,
            "status": str(status),
        }
        if status == 422:
            del self.body["status"]
            self.body["errors"] = list(errors)


@dataclass
class Call:
    """A call, understood."""

    operation: Operation
    query: Mapping[str, str]
    body: Mapping[str, Any]
    token: Token | None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Of the answer."""

    @property
    def person(self) -> Person:
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token.person


class Rest:
    """Answers calls."""

    def __init__(
        self,
        world: World,
        description: Description,
        url: Callable[[], str],
        made: Callable[[str], Application | None],
    ) -> None:
        """`made`: what was made of a manifest, for its code, once."""
        self._world = world
        self._made = made
        self._description = description
        self._url = url
        self._calls: dict[str, tuple[int, Callable[[Call], Any]]] = {
            "GET /user": (200, self._user),
            "GET /user/emails": (200, self._emails),
            "POST /app-manifests/{code}/conversions": (201, self._convert),
            "GET /user/repos": (200, self._repos),
            "GET /search/repositories": (200, self._search),
            "GET /repos/{owner}/{repo}": (200, lambda call: self._full(self._repo(call), call)),
            "GET /repos/{owner}/{repo}/branches": (200, self._branches),
            "GET /repos/{owner}/{repo}/issues": (200, self._issues),
            "GET /repos/{owner}/{repo}/issues/{issue_number}": (200, self._issue),
            "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": (200, self._comments),
            "GET /repos/{owner}/{repo}/pulls": (200, self._pulls),
            "POST /repos/{owner}/{repo}/pulls": (201, self._open_pull),
            "GET /repos/{owner}/{repo}/pulls/{pull_number}": (200, self._pull),
            "PATCH /repos/{owner}/{repo}/pulls/{pull_number}": (200, self._change_pull),
            "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": (200, self._reviews),
            "GET /repos/{owner}/{repo}/pulls/{pull_number}/comments": (200, self._line_comments),
            "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": (200, self._checks),
        }

    def answer(self, call: Call) -> tuple[int, Any]:
        """The status and the body. Raises `Refused`."""
        known = self._calls.get(call.operation.name)
        if known is None:
            raise Refused(404, "Not Found")
        self._allow(call)
        status, answer = known
        return status, answer(call)

    def _allow(self, call: Call) -> None:
        """Refuse a GitHub App what it was not made to do."""
        app = call.token.application.app if call.token and call.token.application else None
        wanted = _PERMISSIONS.get(call.operation.name)
        if app and wanted and not app.may(*wanted):
            raise Refused(403, "Resource not accessible by integration")

    # ── people ───────────────────────────────────────────────────────────────────────────────

    def _emails(self, call: Call) -> Any:
        person, scopes = call.person, call.token.scopes if call.token else None
        if scopes is not None and not {"user", "user:email"} & set(scopes):
            raise Refused(404, "Not Found")
        return person.emails

    def _convert(self, call: Call) -> Any:
        made = self._made(call.operation.path["code"])
        if made is None or made.app is None:
            raise Refused(404, "Not Found")
        app = made.app
        example = self._description.example(call.operation, 201)
        return example | {
            "id": app.id,
            "slug": app.slug,
            "name": app.name,
            "owner": self._by(example["owner"], app.owner) | {"type": app.owner.type},
            "external_url": app.url,
            "html_url": f"{self._url()}/github-apps/{app.slug}",
            "permissions": app.permissions,
            "events": app.events,
            "client_id": made.client_id,
            "client_secret": made.client_secret,
            "webhook_secret": app.webhook_secret,
            "pem": app.pem,
        }

    def _user(self, call: Call) -> Any:
        person = call.person
        if call.token is not None and call.token.scopes is not None:
            call.headers["x-oauth-scopes"] = ", ".join(call.token.scopes)
        example = self._description.example(call.operation, 200)
        example |= self._account(person) | {
            "name": person.name,
            "type": person.type,
            "email": f"public-{person.login}@example.org",
            "user_view_type": "private",
        }
        return example

    def _account(self, person: Person) -> dict[str, Any]:
        return {
            "id": person.id,
            "login": person.login,
            "html_url": f"{self._url()}/{person.login}",
        }

    def _by(self, example: dict[str, Any] | None, person: Person) -> dict[str, Any]:
        return {**(example or {}), **self._account(person)}

    # ── repositories ─────────────────────────────────────────────────────────────────────────

    def _sees(self, call: Call, repository: Repository) -> bool:
        return call.token.sees(repository) if call.token else repository.may(None, "read")

    def _repo(self, call: Call) -> Repository:
        name = f"{call.operation.path['owner']}/{call.operation.path['repo']}".lower()
        found = self._world.repositories.get(name)
        if found is None or not self._sees(call, found):
            raise Refused(404, "Not Found")
        return found

    def _plain(self, example: dict[str, Any], repository: Repository, call: Call) -> Any:
        at = f"{self._url()}/{repository.full_name}"
        person = call.token.person if call.token else None
        for gone in ("template_repository", "parent", "source", "organization"):
            example.pop(gone, None)
        return example | {
            "id": repository.id,
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self._by(example["owner"], repository.owner),
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "html_url": at,
            "clone_url": f"{at}.git",
            "description": repository.description,
            "default_branch": repository.default_branch,
            "language": None,
            "pushed_at": _time(repository.pushed_at),
            "permissions": {
                "admin": repository.may(person, "admin"),
                "maintain": repository.may(person, "admin"),
                "push": repository.may(person, "write"),
                "triage": repository.may(person, "write"),
                "pull": True,
            },
        }

    def _full(self, repository: Repository, call: Call) -> Any:
        return self._plain(self._description.example(call.operation, 200), repository, call)

    def _listed(self, call: Call, example: dict[str, Any], found: list[Repository]) -> list[Any]:
        return [self._plain({**example}, each, call) for each in found]

    def _repos(self, call: Call) -> Any:
        person = call.person
        mine = [
            each
            for each in self._world.repositories.values()
            if person.login in each.rights and self._sees(call, each)
        ]
        if call.query.get("sort") == "pushed":
            mine.sort(key=lambda each: each.pushed_at, reverse=call.query["direction"] == "desc")
        example = self._description.example(call.operation, 200)[0]
        return self._listed(call, example, self._page(call, mine))

    def _search(self, call: Call) -> Any:
        asked = call.query["q"].split()
        words = [word for word in asked if ":" not in word]
        owners = [word.removeprefix("user:") for word in asked if word.startswith("user:")]
        if not words and not owners:
            error = {"resource": "Search", "field": "q", "code": "missing"}
            raise Refused(422, "Validation Failed", error)
        if not all(owner in self._world.people for owner in owners):
            said = "The listed users and repositories cannot be searched either because the "
            said += "resources do not exist or you do not have permission to view them."
            error = {"resource": "Search", "field": "q", "code": "invalid", "message": said}
            raise Refused(422, "Validation Failed", error)
        found = [
            each
            for each in self._world.repositories.values()
            if self._sees(call, each)
            and (not owners or each.owner.login in owners)
            and all(word.lower() in each.name.lower() for word in words)
        ]
        example = self._description.example(call.operation, 200)
        item = example["items"][0]
        return example | {
            "total_count": len(found),
            "items": self._listed(call, item, self._page(call, found)),
        }

    def _branches(self, call: Call) -> Any:
        repository = self._repo(call)
        lines = repository.git(
            "for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"
        ).splitlines()
        return [
            {
                "name": name,
                "commit": {"sha": commit, "url": f"{self._url()}/api/v3/commits/{commit}"},
                "protected": False,
            }
            for commit, _, name in (line.partition(" ") for line in self._page(call, lines))
        ]

    # ── issues ───────────────────────────────────────────────────────────────────────────────

    def _numbered(self, call: Call, name: str, among: dict[int, dict[str, Any]]) -> int:
        number = int(call.operation.path[name])
        if number not in among:
            raise Refused(404, "Not Found")
        return number

    def _an_issue(
        self, example: dict[str, Any], repository: Repository, number: int
    ) -> dict[str, Any]:
        issue = repository.issues[number]
        at = f"{self._url()}/{repository.full_name}"
        pull = {"url": at, "html_url": f"{at}/pull/{number}", "diff_url": at, "patch_url": at}
        for gone in ("pull_request", "pinned_comment"):
            example.pop(gone, None)
        return (
            example
            | {
                "number": number,
                "title": issue["title"],
                "body": issue["body"],
                "state": issue["state"],
                "user": self._by(example["user"], issue["user"]),
                "html_url": f"{at}/issues/{number}",
                "comments": len(issue["comments"]),
                "assignee": None,
                "closed_at": None,
                "milestone": None,
                "labels": list[Any](),
                "created_at": _time(issue["created_at"]),
            }
            | ({"pull_request": pull} if number in repository.pulls else {})
        )

    def _issues(self, call: Call) -> Any:
        repository = self._repo(call)
        wanted = [
            number
            for number in sorted(repository.issues, reverse=True)
            if repository.issues[number]["state"] == "open"
        ]
        example = self._description.example(call.operation, 200)[0]
        return [self._an_issue({**example}, repository, each) for each in self._page(call, wanted)]

    def _issue(self, call: Call) -> Any:
        repository = self._repo(call)
        number = self._numbered(call, "issue_number", repository.issues)
        # The example of a single one lacks what its description requires; that of a list does not.
        listed = Operation("get", "/repos/{owner}/{repo}/issues", call.operation.path)
        return self._an_issue(self._description.example(listed, 200)[0], repository, number)

    def _comments(self, call: Call) -> Any:
        repository = self._repo(call)
        number = self._numbered(call, "issue_number", repository.issues)
        example = self._description.example(call.operation, 200)[0]
        return [
            example
            | {
                "id": each["id"],
                "body": each["body"],
                "user": self._by(example["user"], each["user"]),
                "created_at": _time(each["created_at"]),
            }
            for each in self._page(call, repository.issues[number]["comments"])
        ]

    # ── pull requests ────────────────────────────────────────────────────────────────────────

    def _a_pull(
        self, example: dict[str, Any], repository: Repository, number: int
    ) -> dict[str, Any]:
        issue, pull = repository.issues[number], repository.pulls[number]

        def side(of: dict[str, Any], branch: str, at: Repository | None) -> dict[str, Any]:
            label = f"{at.owner.login if at else 'unknown'}:{branch}"
            found = (at.head(branch) if at else None) or pull["head_sha"]
            given = at and of["repo"] | {"id": at.id, "name": at.name, "full_name": at.full_name}
            return of | {"ref": branch, "label": label, "sha": found, "repo": given}

        return example | {
            "number": number,
            "title": issue["title"],
            "body": issue["body"],
            "state": issue["state"],
            "draft": pull["draft"],
            "merged_at": pull["merged_at"] and _time(pull["merged_at"]),
            **({"merged": bool(pull["merged_at"])} if "merged" in example else {}),
            "user": self._by(example["user"], issue["user"]),
            "html_url": f"{self._url()}/{repository.full_name}/pull/{number}",
            "head": side(example["head"], pull["head"], pull["fork"]),
            "base": side(example["base"], pull["base"], repository),
            "requested_teams": list[Any](),
            "requested_reviewers": list[Any](),
        }

    def _pulls(self, call: Call) -> Any:
        repository = self._repo(call)
        state = call.query.get("state", "open")
        head = call.query.get("head", "").partition(":")[2]
        wanted = [
            number
            for number in sorted(repository.pulls, reverse=True)
            if state in ("all", repository.issues[number]["state"])
            and head in ("", repository.pulls[number]["head"])
        ]
        example = self._description.example(call.operation, 200)[0]
        return [self._a_pull({**example}, repository, each) for each in self._page(call, wanted)]

    def _pull(self, call: Call) -> Any:
        repository = self._repo(call)
        number = self._numbered(call, "pull_number", repository.pulls)
        return self._a_pull(self._description.example(call.operation, 200), repository, number)

    def _open_pull(self, call: Call) -> Any:
        repository, by = self._repo(call), call.person
        head, base = call.body["head"], call.body["base"]
        head = head.removeprefix(f"{repository.owner.login}:")
        for name, branch in (("head", head), ("base", base)):
            if repository.head(branch) is None:
                error = {"resource": "PullRequest", "field": name, "code": "invalid"}
                raise Refused(422, "Validation Failed", error)
        if repository.git("rev-list", "--count", f"{base}..{head}") == "0":
            said = f"No commits between {base} and {head}"
            error = {"resource": "PullRequest", "code": "custom", "message": said}
            raise Refused(422, "Validation Failed", error)
        for number, pull in repository.pulls.items():
            same = (pull["head"], pull["base"]) == (head, base)
            if same and repository.issues[number]["state"] == "open":
                said = f"A pull request already exists for {repository.owner.login}:{head}."
                error = {"resource": "PullRequest", "code": "custom", "message": said}
                raise Refused(422, "Validation Failed", error)
        title, body = call.body["title"], call.body.get("body") or ""
        draft = call.body.get("draft", False)
        number = self._world.pull(repository, by, head, title, body, base=base, draft=draft)
        return self._a_pull(self._description.example(call.operation, 201), repository, number)

    def _change_pull(self, call: Call) -> Any:
        repository = self._repo(call)
        number = self._numbered(call, "pull_number", repository.pulls)
        issue = repository.issues[number]
        if not repository.may(call.person, "write") and issue["user"] is not call.person:
            raise Refused(403, "Must have admin rights to Repository.")
        issue.update({k: v for k, v in call.body.items() if k in ("title", "body", "state")})
        return self._a_pull(self._description.example(call.operation, 200), repository, number)

    def _reviews(self, call: Call) -> Any:
        return [
            said | {"state": each["state"], "submitted_at": _time(each["submitted_at"])}
            for said, each in self._said_of_pull(call, "reviews")
        ]

    def _line_comments(self, call: Call) -> Any:
        return [
            said
            | {
                "path": each["path"],
                "line": each["line"],
                "created_at": _time(each["created_at"]),
            }
            for said, each in self._said_of_pull(call, "comments")
        ]

    def _said_of_pull(self, call: Call, what: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Pairs of what is answered of something said, as far as all has it, and what it is."""
        repository = self._repo(call)
        number = self._numbered(call, "pull_number", repository.pulls)
        example = self._description.example(call.operation, 200)[0]
        return [
            (
                example
                | {
                    "id": each["id"],
                    "user": self._by(example["user"], each["user"]),
                    "body": each["body"],
                    "commit_id": each["commit_id"],
                },
                each,
            )
            for each in self._page(call, repository.pulls[number][what])
        ]

    def _checks(self, call: Call) -> Any:
        repository = self._repo(call)
        ref = call.operation.path["ref"]
        commit = ref if re.fullmatch(r"[0-9a-f]{40}", ref) else repository.head(ref)
        if commit is None:
            raise Refused(422, f"No commit found for SHA: {ref}")
        found = [each for each in repository.checks if each["head_sha"] == commit]
        example = self._description.example(call.operation, 200)
        item = example["check_runs"][0]
        return {
            "total_count": len(found),
            "check_runs": [
                item
                | {
                    "id": each["id"],
                    "name": each["name"],
                    "head_sha": commit,
                    "status": "completed" if each["conclusion"] else "in_progress",
                    "conclusion": each["conclusion"],
                    "completed_at": item["completed_at"] if each["conclusion"] else None,
                    "html_url": f"{self._url()}/{repository.full_name}/runs/{each['id']}",
                    "pull_requests": [],
                }
                for each in self._page(call, found)
            ],
        }

    def _page(self, call: Call, items: list[Any]) -> list[Any]:
        size, page = int(call.query.get("per_page", "30")), int(call.query.get("page", "1"))
        if size > 100:
            size = 100
        if page * size < len(items):
            call.headers["link"] = f'<{self._url()}/?page={page + 1}>; rel="next"'
        return items[(page - 1) * size : page * size]


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
