"""OpenCode's HTTP interface, as far as the bridge uses it. Every call has an end in time."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2

from bunkhouse_runner.agents.opencode.tools import Json

USER = "opencode"
_CALL_SECONDS = 30.0
_SILENCE_SECONDS = 35.0
"""OpenCode sends a heartbeat every 10 seconds."""


class Refused(Exception):
    """OpenCode answered with an error: `status`, and its body as text."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body[:500]}")
        self.status = status
        self.body = body

    @property
    def is_about_configuration(self) -> bool:
        """Whether OpenCode finds a configuration file invalid."""
        return "ConfigInvalidError" in self.body or "ConfigJsonError" in self.body


Unreachable = httpx2.TransportError
"""OpenCode is not there, or broke off."""


class Client:
    """Calls to one OpenCode server about one directory.

    Raises `Refused` for an answer that is an error, and `Unreachable` where there is none.
    """

    def __init__(self, url: str, password: str, directory: Path) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url,
            auth=(USER, password),
            params={"directory": str(directory)},
            timeout=_CALL_SECONDS,
            # The runner's own way out is not for talking to a neighbour on loopback.
            trust_env=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def create_session(self, title: str) -> str:
        """Make a session; returns its id."""
        made = await self._call("POST", "/session", {"title": title})
        return str(made["id"])

    async def has_session(self, session: str) -> bool:
        """Whether OpenCode remembers a session."""
        return await self._there(f"/session/{session}")

    async def delete_session(self, session: str) -> None:
        """Forget a session."""
        await self._call("DELETE", f"/session/{session}")

    async def prompt(
        self, session: str, parts: list[Json], model: tuple[str, str], message: str | None = None
    ) -> Json:
        """Run a turn to its end, however long it takes; returns the last message.

        `message`: the id that the person's message gets.
        """
        named = {"messageID": message} if message else {}
        body = {"model": _model(model), "parts": parts, **named}
        path = f"/session/{session}/message"
        return cast("Json", await self._call("POST", path, body, timeout=None))

    async def tell(
        self, session: str, message: str, parts: list[Json], model: tuple[str, str]
    ) -> None:
        """Put a person's message with this id into a session, and begin nothing."""
        body = {"messageID": message, "noReply": True, "model": _model(model), "parts": parts}
        await self._call("POST", f"/session/{session}/message", body)

    async def model(self, provider: str, name: str) -> Json:
        """Return what OpenCode knows of a model; empty where it does not know it."""
        answer = cast("Json", await self._call("GET", "/config/providers"))
        for each in cast("list[Json]", answer["providers"]):
            if each["id"] == provider:
                return cast("Json", each["models"].get(name) or {})
        return {}

    async def forget(self, session: str, message: str) -> None:
        """Take a message out of a session."""
        await self._call("DELETE", f"/session/{session}/message/{message}")

    async def has_message(self, session: str, message: str) -> bool:
        """Whether a message is in a session."""
        return await self._there(f"/session/{session}/message/{message}")

    async def revert(self, session: str, message: str) -> None:
        """Let a session be as before a message: what follows is dropped at the next prompt."""
        await self._call("POST", f"/session/{session}/revert", {"messageID": message})

    async def unrevert(self, session: str) -> None:
        """Let a session be as before it was reverted."""
        await self._call("POST", f"/session/{session}/unrevert")

    async def abort(self, session: str) -> None:
        """End a session's turn; returns when it has cleaned up."""
        await self._call("POST", f"/session/{session}/abort")

    async def messages(self, session: str, limit: int) -> list[Json]:
        """Return the newest messages, oldest first: `{"info": …, "parts": […]}`."""
        answer = await self._call("GET", f"/session/{session}/message", params={"limit": limit})
        return cast("list[Json]", answer)

    async def connect_server(self, name: str) -> None:
        """Reach an MCP server that could not be reached before; one that is connected stays so."""
        servers = cast("dict[str, Json]", await self._call("GET", "/mcp"))
        if servers.get(name, {}).get("status") != "connected":
            await self._call("POST", f"/mcp/{name}/connect")

    async def pending(self, kind: str) -> list[Json]:
        """Return what waits for an answer; `kind` is `permission` or `question`."""
        return cast("list[Json]", await self._call("GET", f"/{kind}"))

    async def reply_permission(self, request: str, reply: str, message: str | None) -> bool:
        """Answer; False when it no longer waits."""
        body = {"reply": reply, **({"message": message} if message else {})}
        return await self._answer(f"/permission/{request}/reply", body)

    async def reply_question(self, request: str, answers: list[list[str]] | None) -> bool:
        """Answer or (None) dismiss; False when it no longer waits."""
        if answers is None:
            return await self._answer(f"/question/{request}/reject", None)
        return await self._answer(f"/question/{request}/reply", {"answers": answers})

    async def dispose(self) -> None:
        """Make OpenCode read its configuration and the directory anew, at the next call."""
        await self._call("POST", "/instance/dispose")

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Json]]:
        """Subscribe; yields the events as they come. Raises `Unreachable` after a long silence."""
        timeout = httpx2.Timeout(_CALL_SECONDS, read=_SILENCE_SECONDS)
        async with self._http.stream("GET", "/event", timeout=timeout) as response:
            if response.is_error:
                raise Refused(response.status_code, (await response.aread()).decode())
            yield self._lines(response)

    @staticmethod
    async def _lines(response: httpx2.Response) -> AsyncIterator[Json]:
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                yield cast("Json", json.loads(line[5:]))

    async def _there(self, path: str) -> bool:
        try:
            await self._call("GET", path)
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    async def _answer(self, path: str, body: Json | None) -> bool:
        try:
            await self._call("POST", path, body)
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    async def _call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        params: dict[str, Any] | None = None,
        timeout: float | None = _CALL_SECONDS,
    ) -> Any:
        response = await self._http.request(method, path, json=body, params=params, timeout=timeout)
        if response.is_error:
            raise Refused(response.status_code, response.text)
        return response.json() if response.content else None


def _model(model: tuple[str, str]) -> Json:
    return {"providerID": model[0], "modelID": model[1]}
