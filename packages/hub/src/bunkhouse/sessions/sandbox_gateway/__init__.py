"""Asking a sandbox; `bunkhouse_protocol.gateway` describes the conversations.

`questions` has one function for each question to the gateway, `asking` sends them, `connecting`
opens streams of bytes. All of it reads what a hostile program may have written: nothing is taken
without a limit and a shape.
"""

from bunkhouse.sessions.sandbox_gateway.connecting import connect, open_stream
from bunkhouse.sessions.sandbox_gateway.files import read_file
from bunkhouse.sessions.sandbox_gateway.questions import (
    changes,
    editor_settings,
    end_terminal,
    handover,
    open_terminal,
    publish,
    services,
    set_up,
    start_service,
    stop_service,
    terminals,
)

__all__ = [
    "changes",
    "connect",
    "editor_settings",
    "end_terminal",
    "handover",
    "open_stream",
    "open_terminal",
    "publish",
    "read_file",
    "services",
    "set_up",
    "start_service",
    "stop_service",
    "terminals",
]
