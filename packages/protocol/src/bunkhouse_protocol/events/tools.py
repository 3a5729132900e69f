"""What the agent does by the hub's own tools, and sessions that begin within another.

Only the hub says so: it has served the call itself.
"""

from typing import Literal

from bunkhouse_protocol.events.agent import Picture
from bunkhouse_protocol.events.base import EventBase


class HubToolCalled(EventBase):
    """The agent called a tool of the hub, and this came of it."""

    type: Literal["hub_tool_called"] = "hub_tool_called"
    tool: str
    """The hub's own name of it: `ask_person`, `start_session`, …"""
    by: str | None
    """With whose rights: whoever wrote the prompt of the turn. None: no turn ran."""
    turn_id: str | None = None
    outcome: Literal["done", "refused", "failed"]
    """`refused`: as things are, or for this person. `failed`: something that is needed did."""
    message: str
    """One sentence for people: what was done, or why not."""
    code: str | None = None
    """Of a refusal or a failure, machine-readable."""
    session_id: str | None = None
    """The child session that it was about."""
    picture: Picture | None = None
    """What was posted."""
    caption: str = ""
    """The agent's words for it."""


class ChildStarted(EventBase):
    """A session was started as a child of this one."""

    type: Literal["child_started"] = "child_started"
    session_id: str
    title: str
    by: str
    """Whose it is."""
