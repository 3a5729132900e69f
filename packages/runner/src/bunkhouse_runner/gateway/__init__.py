"""What the hub asks of the sandbox: HTTP on a Unix socket (`bunkhouse_protocol.gateway`)."""

from bunkhouse_runner.gateway.app import Sandbox, app
from bunkhouse_runner.gateway.server import Gateway

__all__ = ["Gateway", "Sandbox", "app"]
