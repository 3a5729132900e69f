import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bunkhouse_protocol.events import EVENT, Notice
from bunkhouse_protocol.link import StopCommand
from bunkhouse_runner.spool import Drawer, Spool


def notice(text: str) -> Notice:
    return Notice(code="test", message=text)


def messages(spool: Spool, after: int = 0) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for spooled in spool.pending(after):
        event = EVENT.validate_json(spooled.body)
        assert isinstance(event, Notice)
        found.append((spooled.n, event.message))
    return found


def test_events_are_numbered_from_one_and_go_when_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    assert [spool.append(notice(text)) for text in "abc"] == [1, 2, 3]
    assert messages(spool, after=1) == [(2, "b"), (3, "c")]
    spool.ack(2)
    spool.ack(1)
    assert messages(spool) == [(3, "c")]


def test_all_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool.db")
    for text in "abc":
        first.append(notice(text))
    first.ack(3)
    first.append(notice("d"))
    first.set("key", "value")
    # Not closed: as if killed.
    second = Spool(tmp_path / "spool.db")
    assert second.id == first.id
    assert second.acked == 3
    assert messages(second) == [(4, "d")]
    assert second.append(notice("e")) == 5
    assert second.get("key") == "value"


def test_numbers_are_not_given_out_again_when_all_is_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.append(notice("a"))
    spool.ack(1)
    assert Spool(tmp_path / "spool.db").append(notice("b")) == 2


def test_numbers_lost_to_a_loss_of_power_are_skipped(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    for text in "ab":
        spool.append(notice(text))
    spool = Spool(tmp_path / "spool.db")
    spool.append(notice("since"))
    spool.append(notice("then"))
    # The hub has four: two of them were ours before the power went.
    spool.resume_at(4)
    assert messages(spool) == [(5, "since"), (6, "then")]
    assert spool.append(notice("more")) == 7


def test_a_command_is_received_once_and_waits_until_it_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    assert spool.receive("c1", StopCommand(turn_id="t1"))
    assert not spool.receive("c1", StopCommand(turn_id="t1"))
    assert spool.receive("c2", StopCommand(turn_id="t2"))
    assert [waiting.id for waiting in Spool(tmp_path / "spool.db").waiting()] == ["c1", "c2"]
    spool.take("c1")
    assert [waiting.id for waiting in spool.waiting()] == ["c2"]
    assert not spool.receive("c1", StopCommand(turn_id="t1"))


def test_what_is_written_together_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    try:
        with spool.together():
            spool.append(notice("a"))
            spool.set("key", "value")
            raise RuntimeError
    except RuntimeError:
        pass
    assert messages(spool) == []
    assert spool.get("key") is None
    assert spool.append(notice("b")) == 1


def test_drawers_are_apart(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    Drawer(spool, "agent").set("session", "1")
    Drawer(spool, "workspace").set("session", "2")
    assert Drawer(spool, "agent").get("session") == "1"
    Drawer(spool, "agent").set("session", None)
    assert Drawer(spool, "agent").get("session") is None


@settings(deadline=None)  # it writes to a disk
@given(st.text())
def test_any_text_survives(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "spool.db")
        spool.append(notice(text))
        assert messages(spool) == [(1, text)]
