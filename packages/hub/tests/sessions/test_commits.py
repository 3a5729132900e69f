"""The branch that is a session's own, and in whose name commits are made and may be pushed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bunkhouse.people.identity import Person
from bunkhouse.sandboxes.fake import FakeProvider
from bunkhouse.sessions import Knocking, NewSession, Sessions, Specs
from bunkhouse.sessions.attaching import Attaching
from bunkhouse.sessions.branching import branch, slug
from bunkhouse.sessions.forking import Forking
from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse.settings import Settings
from bunkhouse.store import grants, outbox, people, sessions
from bunkhouse_protocol.events import TurnEnded
from bunkhouse_protocol.link import PromptCommand

from ..conftest import FakeCatalog, Room
from .runner import Runner

ADA = Person(id="u_ada", name="Admin", role="admin")
BOB = Person(id="u_bob", name="Bob <b>", role="member")
URL = "https://ghe.example.org:8443/ada/r"
MADE = datetime(2026, 1, 1, tzinfo=UTC)


class Catalog(FakeCatalog):
    """Everybody is signed in at one forge; other URLs are of no forge."""

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        door = text.removeprefix("https://")
        return RepositoryChoice(shown=text, door=door, pushes=text.startswith("https://ghe."))


@pytest.fixture
async def room(room: Room) -> Room:
    specs = Specs(room.database, Catalog(), room.settings)
    room.specs = specs
    room.sessions = Sessions(room.journal, room.links, Catalog(), specs, room.settings)
    async with room.database.write() as tx:
        for person in (ADA, BOB):
            assert person.role != "public"
            await people.add_user(tx, people.User(person.id, person.name, person.role, MADE))
    return room


async def signed_in(room: Room, person: Person, account_id: str, login: str, name: str) -> None:
    row = grants.GrantRow(
        id=f"g_{login}",
        user_id=person.id,
        forge="github",
        host="ghe.example.org:8443",
        kind="token",
        account_id=account_id,
        login=login,
        name=name,
        access_token="sealed",
        refresh_token=None,
        expires_at=None,
        scopes=[],
        created_at=MADE,
        updated_at=MADE,
    )
    async with room.database.write() as tx:
        await grants.put(tx, row)


async def commands(room: Room, session_id: str) -> list[Any]:
    async with room.database.read() as tx:
        return [command for _, _, command in await outbox.waiting(tx, session_id)]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Mend the roof, soon!", "mend-the-roof-soon"),
        ("Größe ändern", "große-andern".replace("ß", "")),
        ("日本語", "work"),
        ("../../etc/passwd", "etc-passwd"),
        ("--- x ~^: ---", "x"),
        ("a" * 200, "a" * 40),
        (f"{'a' * 39} b", "a" * 39),
    ],
)
def test_titles_become_names(title: str, expected: str) -> None:
    assert slug(title) == expected
    assert branch("bunkhouse/{slug}-{id}", title, "abc") == f"bunkhouse/{expected}-abc"


async def test_a_session_gets_a_branch_where_its_author_may_push(room: Room) -> None:
    view = await room.sessions.create(NewSession(repository=URL, prompt="Mend it"), ADA)
    assert view.work_branch == f"bunkhouse/mend-it-{view.id}"
    await room.sessions.rename(view.id, title="Something else")
    assert (await room.sessions.get(view.id)).work_branch == view.work_branch
    spec = await room.specs.of(view.id)
    assert spec.repository is not None
    assert spec.repository.work_branch == view.work_branch
    assert spec.co_author == room.settings.co_author
    for other in ("https://example.org/x/y", None):
        view = await room.sessions.create(NewSession(repository=other, prompt="x"), ADA)
        assert view.work_branch is None
        assert (await room.specs.of(view.id)).co_author is None


async def test_another_repository_is_another_branch_or_none(room: Room) -> None:
    view = await room.sessions.create(NewSession(repository=URL, branch="dev", prompt="x"), ADA)
    async with room.journal.change(view.id) as change:
        change.move("starting", "hub")
        change.move("failed", "hub")
    retried = await room.sessions.retry(view.id, repository="https://example.org/x/y", by=ADA)
    assert (retried.work_branch, retried.branch) == (None, None)


async def test_the_authors_name_at_the_forge_is_used(room: Room) -> None:
    view = await room.sessions.create(NewSession(repository=URL, prompt="x"), ADA)
    spec = await room.specs.of(view.id)
    assert (spec.author_name, spec.author_email) == (
        "Admin",
        "u_ada@users.noreply.bunkhouse.invalid",
    )
    await signed_in(room, ADA, "7", "ada", "Ada Lovelace.")
    spec = await room.specs.of(view.id)
    assert (spec.author_name, spec.author_email) == (
        "Ada Lovelace",
        "7+ada@users.noreply.ghe.example.org",
    )


async def test_each_prompt_is_committed_in_the_name_of_who_asked(room: Room) -> None:
    await signed_in(room, ADA, "7", "ada", "Ada Lovelace")
    view = await room.sessions.create(NewSession(repository=URL, prompt="first"), ADA)
    async with room.journal.change(view.id) as change:
        change.move("starting", "hub")
    runner = Runner(room, view.id)
    await runner.ready()
    await room.sessions.prompt(view.id, "second", BOB)
    [first] = await commands(room, view.id)
    assert PromptCommand.model_validate(first).author is not None
    assert first["author"] == {
        "name": "Ada Lovelace",
        "email": "7+ada@users.noreply.ghe.example.org",
    }
    await runner.say(TurnEnded(turn_id=first["turn_id"], outcome="done"))
    second = (await commands(room, view.id))[-1]
    assert second["author"] == {
        "name": "Bob b",
        "email": "u_bob@users.noreply.bunkhouse.invalid",
    }
    await runner.say(TurnEnded(turn_id=second["turn_id"], outcome="done"))
    # And what they may push is what they were told to commit as.
    known = await Knocking(room.journal).people(view.id)
    for command in (first, second):
        assert (command["author"]["name"], command["author"]["email"]) in known
    await signed_in(room, BOB, "8", "bob", "Bob")
    await room.sessions.prompt(view.id, "third", BOB)
    third = (await commands(room, view.id))[-1]["author"]
    known = await Knocking(room.journal).people(view.id)
    assert third == {"name": "Bob", "email": "8+bob@users.noreply.ghe.example.org"}
    assert (third["name"], third["email"]) in known
    assert len(known) == 4


async def test_who_said_nothing_in_a_session_is_not_of_it(room: Room) -> None:
    await signed_in(room, BOB, "8", "bob", "Bob")
    view = await room.sessions.create(NewSession(repository=URL, prompt="first"), ADA)
    assert await Knocking(room.journal).people(view.id) == {
        ("Admin", "u_ada@users.noreply.bunkhouse.invalid")
    }


async def test_a_copy_has_a_branch_of_its_own_and_its_ancestors_people(room: Room) -> None:
    view = await room.sessions.create(NewSession(repository=URL, prompt="first"), ADA)
    async with room.journal.change(view.id) as change:
        change.row.snapshot_id = "k_1"
    blobs = Attaching.of(room.settings).blobs
    forking = Forking(room.journal, FakeProvider(), blobs, room.settings)
    copy = await forking.fork(view.id, None, BOB)
    assert copy.work_branch == f"bunkhouse/first-{copy.id}"
    known = {name for name, _ in await Knocking(room.journal).people(copy.id)}
    assert known == {"Admin", "Bob b"}
    async with room.database.read() as tx:
        original = await sessions.get(tx, view.id)
    assert original is not None
    assert original.work_branch == view.work_branch


@pytest.mark.parametrize(
    "template",
    ["bunkhouse/{slug}", "{id}/../main", "x y-{id}", "{id}.lock", "{id}/", "{nothing}-{id}", "{id"],
)
def test_templates_that_name_no_branch(template: str) -> None:
    with pytest.raises(ValueError, match="branch_template"):
        Settings(branch_template=template, _env_file=None)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("co_author", ["Bunkhouse", "x <y>", "a\nb <c@d>"])
def test_co_authors_that_are_none(co_author: str) -> None:
    with pytest.raises(ValueError, match="co_author"):
        Settings(co_author=co_author, _env_file=None)  # pyright: ignore[reportCallIssue]
