"""Who says what: a person, an admin, the repository's file, the installation."""

from bunkhouse.broker.egress.reach import Reach
from bunkhouse.broker.repository_settings import Limits, Values
from bunkhouse.broker.repository_settings.file import Found
from bunkhouse.broker.repository_settings.merging import Admins, Merged, merge
from bunkhouse.errors import InvalidInput

from ...settled import settled

LIMITS = Limits.of(settled())


def offers(model: str) -> str:
    if not model.startswith("good/"):
        raise InvalidInput(f"There is no model {model}.")
    return model


def merged(
    file: Values, admin: Values | None = None, *, chosen: str | None = None, reads: bool = True
) -> Merged:
    return merge(
        Found(file, "read"),
        Admins(admin or Values(), reads),
        chosen=chosen,
        default="good/default",
        offers=offers,
        reach=Reach("allowlist", (), ("pypi.test",)),
        limits=LIMITS,
    )


def test_the_file_is_before_the_installation() -> None:
    file = Values("good/file", ("make",), 5.0, {"A": "1"}, ("x.test", "pypi.test"))
    got = merged(file)
    assert (got.model, got.commands, got.seconds) == ("good/file", ("make",), 5.0)
    assert (got.environment, got.egress) == ({"A": "1"}, ("x.test", "pypi.test"))
    told = got.told
    assert (told.model_source, told.commands_source) == ("file", "file")
    assert told.egress_refused == ["x.test"]


def test_an_admin_is_before_the_file() -> None:
    file = Values("good/file", ("make",), 5.0, {"A": "1", "B": "2"}, ("x.test",))
    got = merged(file, Values("good/admin", (), 7.0, {"B": "3"}, ("x.test",)))
    assert (got.model, got.commands, got.seconds) == ("good/admin", (), 7.0)
    assert got.environment == {"A": "1", "B": "3"}
    assert [(v.name, v.source) for v in got.told.environment] == [("A", "file"), ("B", "admin")]
    assert (got.told.commands_source, got.told.egress_refused) == ("admin", [])


def test_a_file_that_an_admin_does_not_have_read_says_nothing() -> None:
    file = Values("good/file", ("make",), 5.0, {"A": "1"}, ("x.test",))
    got = merged(file, reads=False)
    assert (got.model, got.commands, got.environment, got.egress) == ("good/default", (), {}, None)
    assert (got.told.file, got.told.commands_source) == ("not_read", "installation")


def test_a_person_is_before_all_and_a_model_is_one_that_there_is() -> None:
    assert merged(Values("good/file"), chosen="good/person").model == "good/person"
    got = merged(Values("bad/file"), Values("bad/admin"))
    assert (got.model, got.told.model_source) == ("good/default", "installation")
    assert [source for source, _ in got.models_refused] == ["admin", "file"]
    assert merged(Values("good/file"), Values("bad/admin")).model == "good/file"


def test_nobody_gets_more_time_than_there_is() -> None:
    assert merged(Values(seconds=1e9)).seconds == LIMITS.seconds
    assert merged(Values()).seconds == LIMITS.seconds
