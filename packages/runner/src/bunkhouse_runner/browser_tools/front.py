"""An MCP server on standard input and output that stands before another and starts it when needed.

`front.py LIST SECONDS PROGRAM [ARGUMENT…]`: `LIST` is what `record` printed; the program is ended
when it was unused for `SECONDS`. Standard library alone, threads and no event loop: it is there for
as long as the agent is, and is to cost next to nothing.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

PREFIX = "browser_"
_OURS = "bunkhouse-initialize"
_UNKNOWN_METHOD = -32601

Json = dict[str, Any]


class Front:
    """Answers OpenCode; passes calls on to the real server."""

    def __init__(self, recorded: Json, idle: float, program: list[str]) -> None:
        self._recorded = recorded
        self._idle = idle
        self._program = program
        self._lock = threading.RLock()
        """Guards all below, and what is written to either side."""
        self._server: subprocess.Popen[bytes] | None = None
        self._open: set[str | int] = set()
        """Calls that wait for an answer."""
        self._timer: threading.Timer | None = None

    def take(self, message: Json) -> None:
        """Take one message from OpenCode."""
        method, number = message.get("method"), message.get("id")
        if method == "tools/call":
            self._call(message)
        elif method == "notifications/cancelled":
            with self._lock:
                self._open.discard(cast("Json", message.get("params") or {}).get("requestId", ""))
                self._pass_on(message)
                self._rest()
        elif number is None:
            return
        elif method == "initialize":
            asked = cast("Json", message.get("params") or {}).get("protocolVersion")
            begun = self._recorded["initialize"]
            self._say(
                {
                    "id": number,
                    "result": {**begun, "protocolVersion": asked or begun["protocolVersion"]},
                }
            )
        elif method == "tools/list":
            self._say({"id": number, "result": {"tools": self._recorded["tools"]}})
        elif method == "ping":
            self._say({"id": number, "result": {}})
        elif method is not None:
            error = {"code": _UNKNOWN_METHOD, "message": f"There is no {method} here."}
            self._say({"id": number, "error": error})

    def close(self) -> None:
        """End the real server."""
        with self._lock:
            server, self._server = self._server, None
            if self._timer is not None:
                self._timer.cancel()
        if server is not None and server.stdin is not None:
            server.stdin.close()  # it lets go of the browser by itself
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()

    def _call(self, message: Json) -> None:
        params = cast("Json", message["params"])
        params["name"] = f"{PREFIX}{params['name']}"
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            try:
                self._start()
            except OSError as error:
                self._fail(message["id"], f"The browser's tools could not be started: {error}")
                return
            self._open.add(message["id"])
            self._pass_on(message)

    def _start(self) -> None:
        if self._server is not None:
            return
        server = subprocess.Popen(self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._server = server
        threading.Thread(target=self._listen, args=(server,), daemon=True).start()
        handshake = {
            "protocolVersion": self._recorded["initialize"]["protocolVersion"],
            "capabilities": {},
            "clientInfo": {"name": "bunkhouse", "version": "1"},
        }
        # The server takes them in order: nobody need wait for its answer.
        self._pass_on({"id": _OURS, "method": "initialize", "params": handshake})
        self._pass_on({"method": "notifications/initialized"})

    def _listen(self, server: "subprocess.Popen[bytes]") -> None:
        assert server.stdout is not None  # noqa: S101 - a pipe
        for line in server.stdout:
            # Large ones hold pictures; they are read for their number alone.
            number = json.loads(line).get("id")
            with self._lock:
                if number in self._open:
                    self._open.discard(number)
                    _write(line)
                    self._rest()
        server.wait()
        with self._lock:
            if self._server is not server:
                return
            self._server = None
            for lost in self._open:
                self._fail(lost, "The browser's tools ended in the middle of this. Try again.")
            self._open.clear()

    def _rest(self) -> None:
        """Have the server ended if nothing is asked of it for long."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._open and self._server is not None:
            self._timer = threading.Timer(self._idle, self._unused)
            self._timer.daemon = True
            self._timer.start()

    def _unused(self) -> None:
        with self._lock:
            if not self._open:
                self.close()

    def _pass_on(self, message: Json) -> None:
        if self._server is None or self._server.stdin is None:
            return
        try:
            self._server.stdin.write(_line(message))
            self._server.stdin.flush()
        except OSError:
            return  # it ended: whoever listens to it says so

    def _fail(self, number: str | int, why: str) -> None:
        content = [{"type": "text", "text": why}]
        self._say({"id": number, "result": {"content": content, "isError": True}})

    def _say(self, message: Json) -> None:
        with self._lock:
            _write(_line(message))


def _line(message: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main(listed: str, idle: str, *program: str) -> None:
    """Serve until OpenCode closes our input."""
    front = Front(json.loads(Path(listed).read_bytes()), float(idle), list(program))
    try:
        for line in sys.stdin.buffer:
            front.take(json.loads(line))
    finally:
        front.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
