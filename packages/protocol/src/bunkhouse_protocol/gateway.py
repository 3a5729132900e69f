"""What the hub asks of the runner at the sandbox's gateway (HTTP on a Unix socket).

- `GET /health` → 200 `{"ok": true}`
- `GET /changes?limit=BYTES` → `Changes`
- `GET /exec` as a WebSocket: the first text message is `ExecRequest`; then binary messages are the
  program's input and the text message `{"eof": true}` ends it, `{"rows": R, "cols": C}` resizes.
  Back come binary messages (first byte 1: output, 2: error output) and one text message
  `ExecResult` at the end.
- `GET /services` → `Services`
- `POST /services/{name}` with `ServiceStart` → `ServiceStatus`, once it is ready; meanwhile
  `service_changed` events tell how far it is. Idempotent: one start serves all who ask.
- `DELETE /services/{name}` → 204, once it has stopped.
- `GET /settings/editor` → `EditorSettings`: what the running editor's settings file says now.
- `GET /terminals` → `Terminals`; `POST /terminals` → `Terminal`, a new one; `DELETE
  /terminals/{id}` → 204 ends it and what runs in it.
- `GET /terminals/{id}/attach?rows=R&cols=C` as a WebSocket: binary messages are input and output
  of the terminal, the text message `{"rows": R, "cols": C}` resizes; it comes back where somebody
  else who looks gave the terminal another size. First comes what was printed before, up to the
  screen. It is closed with 4404 where there is no such terminal, and
  with 1000 when the terminal has ended.
- `POST /handover` with `HandoverRequest` → `Handover`
- `POST /publish` with `PublishRequest` → `Published`
- `POST /setup` → 204: the repository's set-up commands begin to run (again); events tell of them.

On a socket of its own (`places.STREAMS_SOCKET`), streams of bytes to what listens in the sandbox.
The hub sends one line, `editor`, `desktop` (its VNC server) or a port number, in ASCII and ended
by a newline. The runner answers `ok` or `refused CODE MESSAGE` and a newline; after `ok` all that
follows is passed both ways, each side's end by itself. Codes: `not_listening`, `not_running` (the
service is stopped), `not_allowed` (one of `places.OWN_PORTS`, or no port), `too_many`.

A problem is answered as `{"code", "message", "remedy"}` with status 503, unknown names with 404.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from bunkhouse_protocol.events import (
    ChangedFile,
    DriveCommand,
    Port,
    ServiceName,
    ServiceState,
)
from bunkhouse_protocol.link import CommitIdentity
from bunkhouse_protocol.places import WORKSPACE


class Changes(BaseModel):
    """How the workspace differs from where it began, untracked files included."""

    base: str | None
    """The commit that it began at; None in an empty workspace."""
    files: list[ChangedFile]
    diff: str
    """Unified, as git prints it; can be given to `git apply`."""
    truncated: bool = False
    """The diff was longer than the limit and its tail was left out (`files` is whole)."""


class ExecRequest(BaseModel):
    """Run a program as the agent's user."""

    argv: list[str] = Field(min_length=1)
    cwd: str = WORKSPACE
    env: dict[str, str] = Field(default_factory=dict[str, str])
    tty: bool = False
    rows: int = 24
    cols: int = 80


class ExecResult(BaseModel):
    """How it ended."""

    exit_code: int
    """As a shell says it: 128 + signal where a signal ended it, 127 without such a program."""
    error: Literal["not_found", "not_executable"] | None = None


STDOUT = 1
STDERR = 2


class ServiceStart(BaseModel):
    """How to start a service."""

    settings: dict[str, Any] | None = None
    """For the editor: the person's own settings, laid over the defaults."""
    gallery: bool = True
    """For the editor: whether it may reach its gallery of extensions; else it has none, rather than
    asking for it in vain."""


class ServiceStatus(BaseModel):
    """A service, and what it costs."""

    name: ServiceName
    state: ServiceState
    detail: str | None = None
    progress: float | None = None
    memory: int = 0
    """Bytes that its processes hold by themselves, without what is mapped from files."""
    connections: int = 0
    """Streams that are open to it now."""
    ms: int | None = None
    """How long its last start took."""


class Services(BaseModel):
    """What runs in the sandbox beside the agent."""

    services: list[ServiceStatus]
    ports: list[Port]
    agent_memory: int = 0
    """Bytes of the agent's processes and of what it started."""
    terminals_memory: int = 0
    """Bytes of the terminals and of what runs in them."""


class EditorSettings(BaseModel):
    """A person's settings of VS Code, without the defaults."""

    settings: dict[str, Any]


class Terminal(BaseModel):
    """A terminal that all share who look at it."""

    id: str
    title: str
    """What runs in it: `bash`, `vim app.py`."""
    viewers: int = 0


class Terminals(BaseModel):
    """The sandbox's terminals, in the order in which they were opened."""

    terminals: list[Terminal]


class HandoverRequest(BaseModel):
    """What happened since a `drive_started`?"""

    snapshot: str
    limit: int = 64 * 1024
    """Of the diff, in bytes."""


class Handover(BaseModel):
    """What a person did while they drove."""

    files: list[ChangedFile]
    diff: str
    """Unified; at most `limit` bytes, cut at a line."""
    truncated: bool = False
    commands: list[DriveCommand]


class PublishRequest(BaseModel):
    """Commit what is not committed, and push the branch."""

    branch: str
    """The session's own, at the repository's host."""
    message: str
    """Of the commit, where one is made."""
    author: CommitIdentity
    co_author: str | None = None
    """`Name <address>` of who wrote along."""


class Published(BaseModel):
    """What the host has now."""

    commit: str
    commits: int
    """Since the work began."""
    committed: bool
    """There was something that was not committed before."""


CLOSE_NO_TERMINAL = 4404
