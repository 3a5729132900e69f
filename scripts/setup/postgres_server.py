"""The Postgres that the tests start servers of their own with: Debian's package, and no more."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import machine
from steps import run

_DEBIAN = Path("/usr/lib/postgresql")
"""Debian keeps the server's programs off PATH, in a folder for each version."""

_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")


def ready() -> None:
    """Install the server's programs where there are none; nothing is started."""
    if any(_DEBIAN.glob("*/bin/postgres")) or machine.found("postgres"):
        return
    with _without_cluster():
        machine.install(["postgresql"], "Postgres (for the tests)")


@contextmanager
def _without_cluster() -> Generator[None]:
    """The package makes a database of the machine's own and starts it, unless it is told not to."""
    if _NO_CLUSTER.exists() or not machine.is_debian() or not machine.can_be_root():
        yield
        return
    write = f"mkdir -p {_NO_CLUSTER.parent} && echo create_main_cluster = false > {_NO_CLUSTER}"
    problem = f"{_NO_CLUSTER} can't be written."
    run(machine.as_root(["sh", "-c", write]), "apt", problem)
    try:
        yield
    finally:
        run(machine.as_root(["rm", "-f", _NO_CLUSTER]), "apt", problem)
