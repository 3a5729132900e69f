"""The two kinds of store, so that a test can run on both."""

import shutil
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

from bunkhouse.store import Place

from .postgres import Server

Kind = Literal["sqlite", "postgres"]


class Stores(Protocol):
    """Makes stores of one kind."""

    kind: Kind

    def fresh(self) -> AbstractContextManager[Place]:
        """A store with its tables and nothing in them, until the block ends."""
        ...

    def empty(self) -> AbstractContextManager[Place]:
        """A place where a store could be made."""
        ...


class SQLiteStores:
    kind: Kind = "sqlite"

    def __init__(self, template: Path) -> None:
        """`template`: a store that has the tables; to copy it is faster than to migrate."""
        self._template = template

    @contextmanager
    def empty(self) -> Generator[Place]:
        with TemporaryDirectory(prefix="bh") as folder:
            yield Path(folder) / "b.db"

    @contextmanager
    def fresh(self) -> Generator[Place]:
        with self.empty() as place:
            shutil.copyfile(self._template, place)
            yield place


class PostgresStores:
    kind: Kind = "postgres"

    def __init__(self, server: Server, template: str) -> None:
        """`template`: a database that has the tables; to copy it is faster than to migrate."""
        self.server = server
        self._template = template

    @contextmanager
    def empty(self) -> Generator[Place]:
        with self.server.database() as url:
            yield url

    @contextmanager
    def fresh(self) -> Generator[Place]:
        with self.server.database(self._template) as url:
            yield url
