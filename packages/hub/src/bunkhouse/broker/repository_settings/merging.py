"""What a session gets of what its repository's file, an admin and the installation say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bunkhouse.broker.egress.reach import Reach
from bunkhouse.broker.repository_settings.file import Found
from bunkhouse.broker.repository_settings.shape import Limits, Values
from bunkhouse.errors import InvalidInput
from bunkhouse_protocol.events import RepositoryConfigured, SettingSource, SettingVariable


@dataclass(frozen=True, slots=True)
class Admins:
    """What an admin says of one repository."""

    values: Values = field(default_factory=Values)
    reads_file: bool = True


@dataclass(frozen=True, slots=True)
class Merged:
    """How a session is set up."""

    model: str
    commands: tuple[str, ...]
    seconds: float
    environment: Mapping[str, str]
    egress: tuple[str, ...] | None
    """What the file wants to reach; None: it says nothing of that."""
    told: RepositoryConfigured
    models_refused: tuple[tuple[SettingSource, str], ...]
    """Models that somebody wants and that the installation does not offer, with why."""


def merge(
    found: Found,
    admins: Admins,
    *,
    chosen: str | None,
    default: str,
    offers: Callable[[str], str],
    reach: Reach,
    limits: Limits,
) -> Merged:
    """Let an admin's word go before the file's, and a person's choice of a model before both.

    Environments are laid over each other, name by name. `chosen`: a person's choice. `offers` gives
    a model's full name, or raises InvalidInput where the installation has none such.
    """
    own = found.values if admins.reads_file else Values()
    theirs = admins.values
    model, source, refused = _model(chosen, default, (("admin", theirs), ("file", own)), offers)
    by: SettingSource = "admin" if theirs.commands is not None else "file"
    commands = theirs.commands if theirs.commands is not None else own.commands
    seconds = theirs.seconds or own.seconds or limits.seconds
    sources: dict[str, SettingSource] = dict.fromkeys(own.environment or {}, "file")
    sources |= dict.fromkeys(theirs.environment or {}, "admin")
    told = RepositoryConfigured(
        file=found.status if admins.reads_file else "not_read",
        model=model,
        model_source=source,
        commands=list(commands or ()),
        commands_source="installation" if commands is None else by,
        seconds=min(seconds, limits.seconds),
        environment=[SettingVariable(name=name, source=sources[name]) for name in sorted(sources)],
        egress=None if own.egress is None else list(own.egress),
        egress_refused=reach.refused(own.egress or (), theirs.egress or ()),
    )
    return Merged(
        model=model,
        commands=tuple(commands or ())[: limits.commands],
        seconds=told.seconds,
        environment={**(own.environment or {}), **(theirs.environment or {})},
        egress=own.egress,
        told=told,
        models_refused=refused,
    )


def _model(
    chosen: str | None,
    default: str,
    wanted: tuple[tuple[SettingSource, Values], ...],
    offers: Callable[[str], str],
) -> tuple[str, SettingSource, tuple[tuple[SettingSource, str], ...]]:
    if chosen is not None:
        return chosen, "person", ()
    refused: list[tuple[SettingSource, str]] = []
    for source, values in wanted:
        if values.model is not None:
            try:
                return offers(values.model), source, tuple(refused)
            except InvalidInput as error:
                refused.append((source, error.message))
    return default, "installation", tuple(refused)
