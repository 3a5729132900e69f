"""What a session's row knows of what runs and listens in its sandbox beside the agent."""

from bunkhouse.sessions.journal import Change
from bunkhouse.store.sessions import ListeningPort, Service, SessionRow
from bunkhouse_protocol.events import PortsChanged, ServiceChanged, ServiceName

_PORTS = 100
"""As many are kept: what a sandbox says must not fill the lists of sessions."""
_NAME_LENGTH = 64

_NAMES: tuple[ServiceName, ...] = ("editor", "desktop")


def service_changed(row: SessionRow, event: ServiceChanged) -> None:
    """Keep a service's state; those at rest need no entry."""
    known = dict(row.services or {})
    if event.state in ("stopped", "failed"):
        known.pop(event.name, None)
    else:
        service = Service(state=event.state)
        before = known.get(event.name)
        if before is not None and "by" in before:
            service["by"] = before["by"]
        known[event.name] = service
    row.services = known or None


def ports_changed(row: SessionRow, event: PortsChanged) -> None:
    """Keep what listens."""
    ports = [
        ListeningPort(port=port.port, process=port.process and port.process[:_NAME_LENGTH])
        for port in event.ports[:_PORTS]
    ]
    row.ports = ports or None


def gone(change: Change) -> None:
    """The sandbox has stopped, and with it all that ran in it; said where something did."""
    running = change.row.services or {}
    for name in _NAMES:
        if name in running:
            stopped = ServiceChanged(name=name, state="stopped", detail="the sandbox stopped")
            change.record(stopped)
    change.row.services = None
    if change.row.ports:
        change.record(PortsChanged(ports=[]))
    change.row.ports = None
