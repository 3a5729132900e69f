"""What of an editor's settings follows a person, and what must not."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bunkhouse.people import People, Person
from bunkhouse.sessions import NewSession
from bunkhouse.sessions.editor_settings import EditorSettings, harmless
from bunkhouse.sessions.environment import Environment
from bunkhouse_protocol.events import ServiceChanged

from ..conftest import Room
from ..sandbox import FakeSandbox, fake_sandbox
from .runner import Runner
from .test_driving import ReachingOne


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("terminal.integrated.defaultProfile.linux", "evil"),
        ("terminal.integrated.shellArgs.linux", "x"),
        ("workbench.externalBrowser", "evil"),
        ("workbench.colorTheme", "../../evil"),
        ("workbench.colorTheme", "https:evil"),
        ("editor.fontFamily", "${env:HOME}"),
        ("editor.fontFamily", "x" * 300),
        ("editor.fontSize", 1e9),
        ("editor.fontSize", float("nan")),
        ("editor.defaultFormatter", "evil.extension"),
        ("editor.codeActionsOnSave", {"source.fixAll": True}),
        ("editor.rulers", [80]),
        ("git.path", "evil"),
        ("python.defaultInterpreterPath", "evil"),
        ("task.allowAutomaticTasks", "on"),
        ("security.workspace.trust.enabled", False),
        ("http.proxy", "evil"),
        ("files.associations", "x"),
        ("[python]", {"editor.fontSize": 3}),
        ("editor.fontSize\n", 3),
        ("editor", 3),
    ],
)
def test_not_kept(name: str, value: object) -> None:
    assert harmless({name: value}) == {}


def test_kept() -> None:
    settings = {
        "editor.fontSize": 15,
        "editor.fontFamily": "'JetBrains Mono', monospace",
        "editor.minimap.enabled": False,
        "workbench.colorTheme": "Default Dark+",
        "window.zoomLevel": 1.5,
        "explorer.compactFolders": True,
        "files.autoSave": "afterDelay",
        "files.autoSaveDelay": 500,
        "terminal.integrated.fontSize": 13,
    }
    assert harmless(settings) == settings
    assert len(harmless({f"editor.x{n}": n for n in range(5000)})) == 300


class Desk:
    """Two people, and a sandbox whose editor they use."""

    def __init__(self, room: Room, sandbox: FakeSandbox, ada: Person, bob: Person) -> None:
        reaching = ReachingOne(room.journal, room.links, room.settings)
        reaching.sandbox = sandbox
        self.settings = EditorSettings(room.journal, reaching)
        self.environment = Environment(reaching, self.settings)
        self.room, self.sandbox, self.ada, self.bob = room, sandbox, ada, bob
        self.runners: dict[str, Runner] = {}

    async def session(self) -> str:
        return (await self.room.sessions.create(NewSession(), self.ada)).id

    async def start(self, session_id: str, person: Person) -> object:
        """Start the editor; gives the settings that were laid."""
        await self.environment.start_service(session_id, "editor", person)
        runner = self.runners.setdefault(session_id, Runner(self.room, session_id))
        await runner.say(ServiceChanged(name="editor", state="ready"))
        _, _, body = next(a for a in reversed(self.sandbox.asked) if a[1] == "/services/editor")
        return body["settings"]


@pytest.fixture
async def desk(room: Room, short_path: Path) -> AsyncGenerator[Desk]:
    people = People(room.database)
    ada = await people.first_admin()
    bob = (await people.use_link(await people.sign_in_link("member"))).person
    async with fake_sandbox(short_path) as sandbox:
        yield Desk(room, sandbox, ada, bob)


async def test_what_a_person_changes_is_there_in_their_next_editor(desk: Desk) -> None:
    first = await desk.session()
    desk.sandbox.settings = {"editor.fontSize": 30}  # it was there before: nobody's wish
    assert await desk.start(first, desk.ada) == {}
    desk.sandbox.settings |= {"workbench.colorTheme": "Red", "git.path": "evil"}
    await desk.settings.keep(first)
    assert await desk.settings.of(desk.ada.id) == {"workbench.colorTheme": "Red"}
    desk.sandbox.settings = {"editor.fontSize": 12}
    await desk.environment.stop_service(first, "editor")
    assert await desk.settings.of(desk.ada.id) == {"editor.fontSize": 12}
    assert await desk.start(await desk.session(), desk.ada) == {"editor.fontSize": 12}
    assert await desk.start(await desk.session(), desk.bob) == {}


async def test_a_shared_editor_is_its_starters(desk: Desk) -> None:
    session_id = await desk.session()
    await desk.start(session_id, desk.ada)
    await desk.start(session_id, desk.bob)
    desk.sandbox.settings = {"editor.fontSize": 12}
    await desk.settings.keep(session_id)
    assert await desk.settings.of(desk.ada.id) == {"editor.fontSize": 12}
    assert await desk.settings.of(desk.bob.id) == {}


async def test_a_start_that_failed_leaves_no_owner(desk: Desk) -> None:
    session_id = await desk.session()
    desk.sandbox.refusal = {"code": "x", "message": "No room."}
    with pytest.raises(Exception, match=r"No room\."):
        await desk.environment.start_service(session_id, "editor", desk.ada)
    desk.sandbox.refusal = None
    await desk.start(session_id, desk.bob)
    desk.sandbox.settings = {"editor.fontSize": 12}
    await desk.settings.keep(session_id)
    assert await desk.settings.of(desk.bob.id) == {"editor.fontSize": 12}
