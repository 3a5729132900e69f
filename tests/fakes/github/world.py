"""What there is at the fake GitHub."""

import os
import secrets
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

Right = Literal["read", "write", "admin"]

_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "LC_ALL": "C",
}


def git(*arguments: str, cwd: Path, stdin: bytes | None = None) -> str:
    """Run git and give what it prints; fails the test where git fails."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        input=stdin,
        env=_ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@dataclass
class Person:
    """An account."""

    id: int
    login: str
    name: str | None = None
    emails: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """As GitHub lists them."""
    type: Literal["User", "Organization"] = "User"

    def with_email(self, email: str, *, verified: bool = True) -> "Person":
        """Give it a primary address."""
        self.emails = [
            {"email": f"old-{email}", "primary": False, "verified": True, "visibility": None},
            {"email": email, "primary": True, "verified": verified, "visibility": "private"},
        ]
        return self

    @property
    def noreply(self) -> str:
        """The address that GitHub gives them at the host `127.0.0.1`."""
        return f"{self.id}+{self.login}@users.noreply.127.0.0.1"


@dataclass
class Application:
    """An OAuth App; or a GitHub App, whose tokens end and reach no further than it is installed."""

    client_id: str
    client_secret: str
    callbacks: list[str]
    """Where people may be sent back to, letter by letter."""
    app: "App | None" = None


@dataclass
class App:
    """What a GitHub App has besides."""

    id: int
    slug: str
    name: str
    owner: Person
    permissions: dict[str, str]
    events: list[str]
    pem: str
    url: str = "https://example.org"
    hook: str | None = None
    """Where its webhooks go."""
    webhook_secret: str | None = None
    request_oauth_on_install: bool = False
    installed: set[str] = field(default_factory=set[str])
    """Repositories, by their full names in small letters."""

    def may(self, permission: str, level: str) -> bool:
        """Whether it was given this permission."""
        given = self.permissions.get(permission)
        return given == "write" or (given is not None and given == level)

    def reaches(self, repository: "Repository", level: str) -> bool:
        """Whether it may read or write what is in a repository, for somebody who may."""
        if not repository.private and level == "read":
            return True
        return repository.full_name.lower() in self.installed and self.may("contents", level)


@dataclass
class Token:
    """What an account made, or let an application have."""

    secret: str
    person: Person
    scopes: tuple[str, ...] | None
    """None: its rights are finer than scopes."""
    expires_at: datetime | None = None
    refresh: str | None = None
    application: Application | None = None
    """Whom the account let have it; None: nobody, or nobody in particular."""

    def sees(self, repository: "Repository") -> bool:
        """Whether it shows this repository."""
        if repository.private and self.scopes is not None and "repo" not in self.scopes:
            return False
        app = self.application.app if self.application else None
        return repository.may(self.person, "read") and (
            app is None or app.reaches(repository, "read")
        )

    def writes(self, repository: "Repository") -> bool:
        """Whether one can push to this repository with it."""
        app = self.application.app if self.application else None
        return repository.may(self.person, "write") and (
            app is None or app.reaches(repository, "write")
        )


@dataclass
class Repository:
    """A repository; `folder` is a real one."""

    id: int
    owner: Person
    name: str
    folder: Path
    private: bool
    rights: dict[str, Right]
    description: str | None = None
    default_branch: str = "main"
    pushed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    issues: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """By number: title, body, state, user, comments. Pull requests are issues too."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """By number: head, base, fork (where the head is), draft, merged_at, reviews, comments."""
    checks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def may(self, person: Person | None, right: Right) -> bool:
        """Whether somebody has this right, or a higher one."""
        order: list[Right] = ["read", "write", "admin"]
        given = self.rights.get(person.login) if person else None
        if given is None and not self.private:
            given = "read"
        return given is not None and order.index(given) >= order.index(right)

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run git in it."""
        return git(*arguments, cwd=self.folder, stdin=stdin)

    def head(self, branch: str) -> str | None:
        """The commit of a branch."""
        found = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return found or None

    def commit(
        self,
        branch: str,
        files: dict[str, str],
        message: str = "Change",
        by: tuple[str, str] = ("Somebody", "somebody@example.org"),
    ) -> str:
        """Add a commit to a branch, which is made where it is not there; gives the commit."""
        parent = self.head(branch)
        lines = [
            f"commit refs/heads/{branch}\ncommitter {by[0]} <{by[1]}> 1790000000 +0000\n"
            f"data {len(message.encode())}\n{message}\n"
        ]
        if parent:
            lines.append(f"from {parent}\n")
        for path, text in files.items():
            lines.append(f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n")
        self.git("fast-import", "--quiet", stdin="".join(lines).encode())
        return self.head(branch) or ""


class World:
    """Everything."""

    client_id = "Iv1.fake"
    client_secret = "the-secret-of-the-application"
    """Of an application that is there from the beginning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, Token] = {}
        known = Application(self.client_id, self.client_secret, [])
        self.applications = {known.client_id: known}
        self.repositories: dict[str, Repository] = {}
        self.exhausted: dict[str, datetime] = {}
        """Accounts whose rate limit is reached, and until when."""
        self.clock = lambda: datetime.now(UTC)
        self.lasts = timedelta(hours=8)
        """How long tokens are good that GitHub Apps are given."""
        self._next = 1000

    def number(self) -> int:
        """One that nothing else has."""
        self._next += 1
        return self._next

    def person(self, login: str, name: str | None = None) -> Person:
        """A new account."""
        return self.add(Person(self.number(), login, name))

    def add(self, person: Person) -> Person:
        """Have an account be here."""
        self.people[person.login] = person
        return person

    def application(self, *callbacks: str, app: App | None = None) -> Application:
        """A new application of somebody's; with `app` a GitHub App."""
        made = Application(
            f"{'Iv23' if app else 'Ov23'}{secrets.token_hex(8)}",
            secrets.token_hex(20),
            list(callbacks),
            app,
        )
        self.applications[made.client_id] = made
        return made

    def github_app(
        self, owner: Person, *callbacks: str, installed: Iterable[Repository] = ()
    ) -> Application:
        """A new GitHub App that may do what Bunkhouse asks for, installed on some repositories."""
        app = App(
            id=self.number(),
            slug=f"app-of-{owner.login}",
            name=f"App of {owner.login}",
            owner=owner,
            permissions={
                **dict.fromkeys(("contents", "pull_requests"), "write"),
                **dict.fromkeys(("issues", "checks", "metadata", "emails"), "read"),
            },
            events=[],
            pem="",
            installed={each.full_name.lower() for each in installed},
        )
        return self.application(*callbacks, app=app)

    @property
    def apps(self) -> list[App]:
        """The GitHub Apps."""
        return [each.app for each in self.applications.values() if each.app]

    def token(self, person: Person, *scopes: str) -> str:
        """A token that the account made in its settings; with scopes a classic one."""
        secret = f"{'ghp' if scopes else 'github_pat'}_{secrets.token_hex(20)}"
        self.tokens[secret] = Token(secret, person, scopes or None)
        return secret

    def oauth_token(self, person: Person, application: Application, *scopes: str) -> Token:
        """What an OAuth App is given for the account: it does not end."""
        token = Token(f"gho_{secrets.token_hex(20)}", person, scopes, application=application)
        self.tokens[token.secret] = token
        return token

    def app_tokens(
        self,
        person: Person,
        lasts: timedelta | None = None,
        application: Application | None = None,
    ) -> Token:
        """What a GitHub App is given for the account: a pair that ends.

        Without `application` it is that of the beginning, and installed everywhere.
        """
        token = Token(
            secret=f"ghu_{secrets.token_hex(20)}",
            person=person,
            scopes=None,
            expires_at=self.clock() + (lasts or self.lasts),
            refresh=f"ghr_{secrets.token_hex(40)}",
            application=application or self.applications[self.client_id],
        )
        self.tokens[token.secret] = token
        return token

    def revoke(self, secret: str) -> None:
        """Make a token worthless."""
        del self.tokens[secret]

    def who(self, secret: str) -> Token | None:
        """Whose token this is, if it is good."""
        token = self.tokens.get(secret)
        if token is None or (token.expires_at and token.expires_at <= self.clock()):
            return None
        return token

    def refreshed(self, refresh: str, application: Application) -> Token | None:
        """A new pair for an old one, which is void from then on; None: it is void already, or is
        another application's."""
        old = next((each for each in self.tokens.values() if each.refresh == refresh), None)
        if old is None or old.application is not application:
            return None
        del self.tokens[old.secret]
        return self.app_tokens(old.person, application=application)

    def repository(
        self, owner: Person, name: str, *, private: bool = True, **rights: Right
    ) -> Repository:
        """A new repository with a first commit on `main`."""
        folder = self.folder / owner.login / f"{name}.git"
        folder.mkdir(parents=True)
        git("init", "-q", "--bare", "-b", "main", cwd=folder)
        for key, value in (
            ("http.receivepack", "true"),
            ("receive.fsckObjects", "true"),
            ("receive.unpackLimit", "0"),
            ("uploadpack.allowFilter", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("gc.auto", "0"),
        ):
            git("config", key, value, cwd=folder)
        given: dict[str, Right] = {**rights, owner.login: "admin"}
        made = Repository(self.number(), owner, name, folder, private, given)
        made.commit("main", {"README.md": f"# {name}\n"}, "Begin")
        self.repositories[made.full_name.lower()] = made
        return made

    def issue(self, repository: Repository, by: Person, title: str, body: str) -> int:
        """A new issue; gives its number."""
        number = len(repository.issues) + 1
        repository.issues[number] = {
            "title": title,
            "body": body,
            "state": "open",
            "user": by,
            "comments": [],
            "created_at": self.clock(),
        }
        return number

    def pull(
        self,
        repository: Repository,
        by: Person,
        head: str,
        title: str,
        body: str = "",
        *,
        base: str | None = None,
        draft: bool = False,
        fork: Repository | None = None,
    ) -> int:
        """A new pull request of a branch, if not else said into the default one; its number.

        `fork`: where the branch is, if that is elsewhere.
        """
        number = self.issue(repository, by, title, body)
        repository.pulls[number] = {
            "head": head,
            "base": base or repository.default_branch,
            "fork": fork or repository,
            "head_sha": (fork or repository).head(head),
            "draft": draft,
            "merged_at": None,
            "reviews": [],
            "comments": [],
        }
        return number

    def comment(self, repository: Repository, number: int, by: Person, body: str) -> int:
        """Somebody says something on an issue or a pull request."""
        made = self.number()
        said = {"id": made, "user": by, "body": body, "created_at": self.clock()}
        repository.issues[number]["comments"].append(said)
        return made

    def review(
        self, repository: Repository, number: int, by: Person, state: str, body: str
    ) -> dict[str, Any]:
        """Somebody reviews a pull request: `APPROVED`, `CHANGES_REQUESTED` or `COMMENTED`."""
        pull = repository.pulls[number]
        made = {
            "id": self.number(),
            "user": by,
            "state": state,
            "body": body,
            "commit_id": repository.head(pull["head"]),
            "submitted_at": self.clock(),
        }
        pull["reviews"].append(made)
        return made

    def line_comment(
        self, repository: Repository, number: int, by: Person, path: str, line: int, body: str
    ) -> dict[str, Any]:
        """Somebody comments on a line of a pull request."""
        pull = repository.pulls[number]
        made = {
            "id": self.number(),
            "user": by,
            "path": path,
            "line": line,
            "body": body,
            "commit_id": repository.head(pull["head"]),
            "created_at": self.clock(),
        }
        pull["comments"].append(made)
        return made

    def check(
        self, repository: Repository, branch: str, name: str, conclusion: str | None = None
    ) -> dict[str, Any]:
        """A check of a branch's commit, which runs, or has come to a conclusion."""
        made = {
            "id": self.number(),
            "name": name,
            "head_sha": repository.head(branch),
            "conclusion": conclusion,
        }
        repository.checks.append(made)
        return made
