"""Settings of repositories: kept, decided once for a session, and told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bunkhouse.broker.egress import Reach
from bunkhouse.broker.repository_settings import Limits, RepositorySettings, Values
from bunkhouse.broker.repository_settings.service import key_of
from bunkhouse.errors import InvalidInput, NotFound
from bunkhouse.people.identity import Person
from bunkhouse.sessions import NewSession, Sessions
from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse_protocol.configuring import ConfigFile
from bunkhouse_protocol.events import Event, Notice, Problem, RepositoryConfigured

from ...conftest import ADMIN, FakeCatalog, Room

REPOSITORY = "https://example.org/team/app"
FILE = ConfigFile(
    text="""
model = "demo/other"
[setup]
commands = ["make"]
[environment]
A = "1"
[egress]
allow = ["api.example.org"]
"""
)


class Catalog(FakeCatalog):
    """Knows two models, and any repository."""

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        if " " in text:
            raise InvalidInput("That is none.")
        return RepositoryChoice(shown=text, door="door")

    def model(self, text: str | None) -> str:
        if text not in (None, "demo/demo", "demo/other"):
            raise InvalidInput(f"There is no model {text}.")
        return text or "demo/demo"


def of(room: Room, reach: Reach) -> RepositorySettings:
    return RepositorySettings(room.journal, Catalog(), Limits.of(room.settings), reach)


@pytest.fixture
def room(room: Room) -> Room:
    """With sessions of any repository."""
    known = Sessions(room.journal, room.links, Catalog(), room.specs, room.settings)
    return replace(room, sessions=known)


@pytest.fixture
def settings(room: Room) -> RepositorySettings:
    return of(room, Reach("allowlist", ("pypi.test",)))


async def begun(room: Room, repository: str = REPOSITORY, model: str | None = None) -> str:
    return (await room.sessions.create(NewSession(repository, model=model), ADMIN)).id


async def log(room: Room, session_id: str, *kinds: type[Event]) -> list[Any]:
    return [e for e in await room.sessions.events(session_id) if isinstance(e, kinds)]


async def test_a_session_gets_what_its_repository_says(
    room: Room, settings: RepositorySettings
) -> None:
    session_id = await begun(room)
    assert await settings.of_session(session_id) is None
    spec = await room.specs.of(session_id)
    assert spec.set_up is None
    assert spec.config_bytes == room.settings.config_bytes
    set_up = await settings.decide(session_id, FILE)
    assert (set_up.commands, set_up.environment) == (["make"], {"A": "1"})
    assert (await room.sessions.get(session_id)).model == "demo/other"
    assert (await room.specs.of(session_id)).set_up == set_up
    (told,) = await log(room, session_id, RepositoryConfigured)
    assert (told.file, told.model_source, told.commands) == ("read", "file", ["make"])
    (notice,) = await log(room, session_id, Notice)
    assert notice.code == "egress_asked"
    assert "api.example.org" in notice.message
    found = await settings.of_session(session_id)
    assert found is not None
    assert (found.environment, found.refused) == ({"A": "1"}, ("api.example.org",))


async def test_it_is_decided_once(room: Room, settings: RepositorySettings) -> None:
    session_id = await begun(room)
    other = ConfigFile(text='[setup]\ncommands = ["other"]')
    first, second = await asyncio.gather(
        settings.decide(session_id, FILE), settings.decide(session_id, other)
    )
    assert first == second
    assert len(await log(room, session_id, RepositoryConfigured)) == 1
    await settings.put(REPOSITORY, Values(commands=("admin's",)), ADMIN)
    assert await settings.decide(session_id, ConfigFile()) == first


async def test_another_branch_has_settings_of_its_own(
    room: Room, settings: RepositorySettings
) -> None:
    session_id = await begun(room)
    await settings.decide(session_id, FILE)
    async with room.journal.change(session_id) as change:
        change.move("starting", "hub")
        change.move("failed", "runner", "it went wrong")
    await room.sessions.retry(session_id, branch="other", by=ADMIN)
    assert (await settings.decide(session_id, ConfigFile())).commands == []
    assert (await room.sessions.get(session_id)).model == "demo/demo"


async def test_a_model_that_a_person_chose_stays(room: Room, settings: RepositorySettings) -> None:
    session_id = await begun(room, model="demo/demo")
    await settings.decide(session_id, FILE)
    assert (await room.sessions.get(session_id)).model == "demo/demo"
    later = await begun(room)
    await room.sessions.rename(later, model="demo/demo")
    await settings.decide(later, FILE)
    assert (await room.sessions.get(later)).model == "demo/demo"


async def test_a_model_that_is_not_here_is_told(room: Room, settings: RepositorySettings) -> None:
    session_id = await begun(room)
    await settings.decide(session_id, ConfigFile(text='model = "dear/one"'))
    (notice,) = await log(room, session_id, Notice)
    assert notice.code == "model_not_offered"
    assert "There is no model dear/one. demo/demo is used." in notice.message


async def test_what_is_wrong_with_the_file_is_told_and_the_rest_counts(
    room: Room, settings: RepositorySettings
) -> None:
    session_id = await begun(room)
    file = ConfigFile(text="[setup]\ncommands = 'x'\n[environment]\nPATH = '/'\nB = '2'")
    assert (await settings.decide(session_id, file)).environment == {"B": "2"}
    (problem,) = await log(room, session_id, Problem)
    assert problem.code == "config_invalid"
    assert "line 2: `setup.commands` is not a list. There is more." in problem.message
    assert "line 4" in problem.detail
    (told,) = await log(room, session_id, RepositoryConfigured)
    assert told.file == "in_part"


async def test_a_repository_without_a_file_is_not_spoken_of(
    room: Room, settings: RepositorySettings
) -> None:
    session_id = await begun(room)
    assert (await settings.decide(session_id, ConfigFile())).commands == []
    assert await log(room, session_id, RepositoryConfigured, Notice, Problem) == []
    assert await settings.of_session(session_id) is not None


async def test_an_admins_word_goes_before_the_files(
    room: Room, settings: RepositorySettings
) -> None:
    said = Values("demo/demo", ("admin's",), 7.0, {"A": "2", "B": "3"}, ("api.example.org",))
    entry = await settings.put(f"{REPOSITORY}.git", said, ADMIN)
    assert (entry.repository, entry.values, entry.updated_by) == (REPOSITORY, said, ADMIN.name)
    session_id = await begun(room)
    set_up = await settings.decide(session_id, FILE)
    assert (set_up.commands, set_up.seconds) == (["admin's"], 7.0)
    assert set_up.environment == {"A": "2", "B": "3"}
    assert await log(room, session_id, Notice) == []
    await settings.put(REPOSITORY, Values(), ADMIN, reads_file=False)
    other = await begun(room)
    assert (await settings.decide(other, FILE)).commands == []
    (told,) = await log(room, other, RepositoryConfigured)
    assert told.file == "not_read"


async def test_what_an_admin_allows_counts_at_once_and_for_that_repository(
    room: Room, settings: RepositorySettings
) -> None:
    session_id, other = await begun(room), await begun(room, repository="https://example.org/a/b")
    for each in (session_id, other):
        await settings.decide(each, FILE)
        assert not (await settings.policy(each)).decide("api.example.org", 443).allowed
    await settings.put(REPOSITORY, Values(egress=("api.example.org",)), ADMIN)
    assert (await settings.policy(session_id)).decide("api.example.org", 443).allowed
    assert not (await settings.policy(other)).decide("api.example.org", 443).allowed
    found = await settings.of_session(session_id)
    assert found is not None
    assert (found.allowed, found.refused) == (("api.example.org",), ())
    await settings.forget(REPOSITORY, ADMIN)
    assert not (await settings.policy(session_id)).decide("api.example.org", 443).allowed


async def test_where_all_is_open_a_file_narrows(room: Room) -> None:
    settings = of(room, Reach("open", (), ("pypi.test",)))
    session_id = await begun(room)
    assert (await settings.policy(session_id)).decide("other.example.org", 443).allowed
    await settings.decide(session_id, FILE)
    policy = await settings.policy(session_id)
    assert policy.decide("api.example.org", 443).allowed
    assert policy.decide("pypi.test", 443).allowed
    assert not policy.decide("other.example.org", 443).allowed
    await settings.put(REPOSITORY, Values(), ADMIN, reads_file=False)
    assert (await settings.policy(session_id)).decide("other.example.org", 443).allowed


async def test_entries_are_listed_replaced_and_forgotten(settings: RepositorySettings) -> None:
    await settings.put("https://example.org/b/b", Values(environment={"A": "1"}), ADMIN)
    await settings.put("https://example.org/a/a/", Values(commands=()), ADMIN)
    await settings.put("https://example.org/b/b", Values(seconds=5.0), ADMIN)
    entries = await settings.entries()
    assert [(each.repository, each.values) for each in entries] == [
        ("https://example.org/a/a", Values(commands=())),
        ("https://example.org/b/b", Values(seconds=5.0)),
    ]
    await settings.forget("https://example.org/b/b.git", ADMIN)
    with pytest.raises(NotFound):
        await settings.forget("https://example.org/b/b", ADMIN)
    with pytest.raises(NotFound):
        await settings.entry("https://example.org/b/b", ADMIN)
    with pytest.raises(InvalidInput):
        await settings.entry("no repository", ADMIN)


@pytest.mark.parametrize(
    "said",
    [
        Values(model="dear/one"),
        Values(commands=("",)),
        Values(commands=("x",) * 21),
        Values(seconds=1e6),
        Values(environment={"PATH": "/"}),
        Values(environment={"A B": "1"}),
        Values(environment={f"A{n}": "" for n in range(65)}),
        Values(egress=("a b",)),
        Values(egress=(" ",)),
    ],
)
async def test_what_can_not_be_is_refused(settings: RepositorySettings, said: Values) -> None:
    with pytest.raises(InvalidInput):
        await settings.put(REPOSITORY, said, ADMIN)
    assert await settings.entries() == []


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("https://github.com/Owner/Name.git", "https://github.com/owner/name"),
        ("http://example.org:8443/a/B/", "https://example.org:8443/a/B"),
        ("https://example.org/a/B.git", "https://example.org/a/B"),
        ("/repos/app", "/repos/app"),
    ],
)
def test_a_repository_has_one_key(spelling: str, key: str) -> None:
    assert key_of(spelling) == key
