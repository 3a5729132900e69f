"""The hub's HTTP API: REST, server-sent events and WebSockets. Thin on purpose.

A route parses, asks permission, calls one function of a room below, and answers. What it calls is
written down in `services`; the shapes on the wire are in `schemas`, errors are made in `problems`.
"""

from bunkhouse.api.application import create_api
from bunkhouse.api.services import Services

__all__ = ["Services", "create_api"]
