"""The webhooks of the fake GitHub: bodies held to GitHub's own description, signed as it signs."""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

from tests.fakes.github.description import description
from tests.fakes.github.world import Person, Repository

SECRET = "the-secret-of-the-webhook"


@dataclass(frozen=True)
class Hook:
    """A webhook on its way."""

    event: str
    body: bytes

    def headers(self, secret: str = SECRET) -> dict[str, str]:
        """Those that GitHub sends along."""
        signed = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return {
            "User-Agent": "GitHub-Hookshot/0000000",
            "Content-Type": "application/json",
            "X-GitHub-Event": self.event,
            "X-GitHub-Delivery": secrets.token_hex(16),
            "X-Hub-Signature-256": f"sha256={signed}",
        }


class Hooks:
    """Writes webhooks of what there is in a repository."""

    def __init__(self, url: str, repository: Repository) -> None:
        self._url = url
        self._repository = repository

    def pull_request(self, action: str, number: int, by: Person) -> Hook:
        """`closed` (merged or not), `reopened`, `edited`, `synchronize`, …"""
        given = {"number": number, "pull_request": self._pull(number)}
        return self._made(f"pull-request-{action.replace('_', '-')}", action, by, given)

    def review(self, number: int, review: dict[str, Any], by: Person) -> Hook:
        """A review was submitted."""
        made = {
            "id": review["id"],
            "user": self._account(review["user"]),
            "state": review["state"].lower(),
            "body": review["body"],
            "html_url": f"{self._at(number)}#pullrequestreview-{review['id']}",
            "submitted_at": _time(review["submitted_at"]),
        }
        given = {"review": made, "pull_request": self._pull(number)}
        return self._made("pull-request-review-submitted", "submitted", by, given)

    def line_comment(self, number: int, comment: dict[str, Any], by: Person) -> Hook:
        """Somebody commented on a line."""
        given = {
            "comment": self._comment(number, comment)
            | {"path": comment["path"], "line": comment["line"]},
            "pull_request": self._pull(number),
        }
        return self._made("pull-request-review-comment-created", "created", by, given)

    def comment(self, number: int, comment: dict[str, Any], by: Person) -> Hook:
        """Somebody commented on a pull request, or on an issue that is none."""
        issue = self._repository.issues[number]
        shown: dict[str, Any] = {
            "number": number,
            "title": issue["title"],
            "body": issue["body"],
            "state": issue["state"],
            "user": self._account(issue["user"]),
        }
        if number in self._repository.pulls:
            at = self._at(number)
            shown["pull_request"] = {"url": at, "html_url": at, "diff_url": at, "patch_url": at}
        given = {"issue": shown, "comment": self._comment(number, comment)}
        return self._made("issue-comment-created", "created", by, given)

    def check_run(self, number: int, run: dict[str, Any], by: Person) -> Hook:
        """A check came to an end."""
        made = {
            "id": run["id"],
            "name": run["name"],
            "status": "completed",
            "conclusion": run["conclusion"],
            "head_sha": run["head_sha"],
            "html_url": f"{self._at(number)}/checks",
            "pull_requests": [{"number": number}],
        }
        return self._made("check-run-completed", "completed", by, {"check_run": made})

    def _made(self, name: str, action: str, by: Person, given: dict[str, Any]) -> Hook:
        event = name.removesuffix(f"-{action.replace('_', '-')}").replace("-", "_")
        repository = {"full_name": self._repository.full_name, "name": self._repository.name}
        whole = {"action": action, "repository": repository, "sender": self._account(by), **given}
        return Hook(event, json.dumps(description().hook(name, whole)).encode())

    def _pull(self, number: int) -> dict[str, Any]:
        issue, pull = self._repository.issues[number], self._repository.pulls[number]
        merged = pull["merged_at"]
        return {
            "number": number,
            "title": issue["title"],
            "body": issue["body"],
            "state": issue["state"],
            "draft": pull["draft"],
            "merged": bool(merged),
            "merged_at": merged and _time(merged),
            "user": self._account(issue["user"]),
            "html_url": self._at(number),
            "head": {"ref": pull["head"], "sha": self._repository.head(pull["head"])},
            "base": {"ref": pull["base"], "sha": self._repository.head(pull["base"])},
        }

    def _comment(self, number: int, comment: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": comment["id"],
            "user": self._account(comment["user"]),
            "body": comment["body"],
            "created_at": _time(comment["created_at"]),
            "html_url": f"{self._at(number)}#issuecomment-{comment['id']}",
        }

    def _account(self, person: Person) -> dict[str, Any]:
        return {"id": person.id, "login": person.login, "type": "User"}

    def _at(self, number: int) -> str:
        return f"{self._url}/{self._repository.full_name}/pull/{number}"


def _time(at: Any) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
