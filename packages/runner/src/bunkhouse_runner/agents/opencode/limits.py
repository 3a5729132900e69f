"""How patient the bridge is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds."""

    attempts: int = 4
    """How often a model may fail in a row before the turn is given up."""
    connections: int = 4
    """How often OpenCode may fail to reach the hub before the bridge waits for the hub itself.

    OpenCode's pauses double from 2 seconds on; the bridge notices at once that the hub is back.
    """
    longest_wait: float = 300.0
    """A provider that wants to be left alone for longer than this ends the turn."""
    breaks: int = 3
    """How many answers in a row may end without saying that they are complete."""
    resumptions: int = 2
    """How often a turn is taken up again after the hub was away."""
    hub_wait: float = 120.0
    """How long to wait for the hub to answer again before that."""
    hub_poll: float = 1.0
    stop: float = 5.0
    """How long OpenCode may take to end a turn before it is killed and started again."""
    kill: float = 1.0
    """How long commands may take to end after a stop before they are killed."""
    warm_up: float = 30.0
    silence: float = 300.0
    """How long a model's answer may pause before it counts as broken off."""
