"""Webhooks: by whom, about what. Their bodies are held to GitHub's own description."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bunkhouse.errors import InvalidInput, Unauthorized
from bunkhouse.forges import CheckRun, Comment, PullRequest, Review
from bunkhouse.forges.github import webhooks
from tests.fakes.github import SECRET, Hook, Hooks, Person, Repository, World


@dataclass
class Place:
    """A pull request of Ada's, and Bob who looks at it."""

    world: World
    repository: Repository
    ada: Person
    bob: Person
    number: int
    hooks: Hooks


@pytest.fixture
def place(tmp_path: Path) -> Place:
    world = World(tmp_path)
    ada, bob = world.person("ada"), world.person("bob")
    repository = world.repository(ada, "Secret")
    repository.commit("bunkhouse/roof-1", {"roof": "whole"})
    number = world.pull(repository, ada, "bunkhouse/roof-1", "Mend the roof", "It leaked.")
    return Place(world, repository, ada, bob, number, Hooks("http://github", repository))


def heard(hook: Hook):
    webhooks.check([SECRET], hook.body, hook.headers()["X-Hub-Signature-256"])
    return webhooks.read(hook.event, hook.body)


@pytest.mark.parametrize(
    "action", ["opened", "edited", "reopened", "synchronize", "converted_to_draft", "closed"]
)
def test_what_became_of_a_pull_request(place: Place, action: str) -> None:
    told = heard(place.hooks.pull_request(action, place.number, place.bob))
    assert told is not None
    assert (told.repository, told.numbers, told.by) == ("ada/Secret", (place.number,), "bob")
    assert isinstance(told.said, PullRequest)
    assert (told.said.title, told.said.head) == ("Mend the roof", "bunkhouse/roof-1")
    assert told.said.head_commit == place.repository.head("bunkhouse/roof-1")


def test_a_review(place: Place) -> None:
    review = place.world.review(place.repository, place.number, place.bob, "CHANGES_REQUESTED", "?")
    told = heard(place.hooks.review(place.number, review, place.bob))
    assert told is not None and isinstance(told.said, Review)
    assert (told.said.state, told.said.author, told.said.body) == ("changes_requested", "bob", "?")
    assert told.numbers == (place.number,)


def test_comments(place: Place) -> None:
    at = place.repository, place.number, place.bob
    line = place.world.line_comment(*at, "roof", 1, "Nails?")
    told = heard(place.hooks.line_comment(place.number, line, place.bob))
    assert told is not None and isinstance(told.said, Comment)
    assert (told.said.path, told.said.line, told.said.body) == ("roof", 1, "Nails?")
    place.world.comment(*at, "Nice")
    (comment,) = place.repository.issues[place.number]["comments"]
    told = heard(place.hooks.comment(place.number, comment, place.bob))
    assert told is not None and isinstance(told.said, Comment)
    assert (told.said.path, told.said.body) == (None, "Nice")


def test_a_check(place: Place) -> None:
    run = place.world.check(place.repository, "bunkhouse/roof-1", "ci", "failure")
    told = heard(place.hooks.check_run(place.number, run, place.ada))
    assert told is not None and isinstance(told.said, CheckRun)
    assert (told.said.name, told.said.conclusion) == ("ci", "failure")
    assert told.said.commit == run["head_sha"]


def test_what_is_of_no_use(place: Place) -> None:
    number = place.world.issue(place.repository, place.bob, "A wish", "Please")
    comment = {"id": 1, "user": place.bob, "body": "+1", "created_at": place.world.clock()}
    assert heard(place.hooks.comment(number, comment, place.bob)) is None
    assert webhooks.read("ping", b'{"zen": "Keep it simple.", "hook_id": 1}') is None
    assert webhooks.read("star", b'{"action": "created"}') is None


def test_who_does_not_know_the_secret(place: Place) -> None:
    hook = place.hooks.pull_request("closed", place.number, place.bob)
    right = hook.headers()["X-Hub-Signature-256"]
    for body, signature in (
        (hook.body, None),
        (hook.body, ""),
        (hook.body, hook.headers("another secret")["X-Hub-Signature-256"]),
        (hook.body, right.removeprefix("sha256=")),
        (hook.body, right.replace("sha256=", "sha1=")),
        (hook.body, "sha256=ü"),
        (hook.body + b" ", right),
    ):
        with pytest.raises(Unauthorized) as caught:
            webhooks.check([SECRET], body, signature)
        assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("pull_request", b"no json"),
        ("pull_request", b"[]"),
        ("pull_request", b'{"action": "closed", "pull_request": {"number": "one"}}'),
        ("pull_request_review", b'{"action": "submitted", "review": {"id": 1, "state": "odd"}}'),
        ("check_run", b'{"action": "completed", "check_run": {}}'),
    ],
)
def test_what_github_does_not_send(event: str, body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        webhooks.read(event, body)
    assert caught.value.reason == "bad_webhook"
