"""A small agent: carries out what the demo model asks for, with tools named as OpenCode's are."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bunkhouse.broker.demo import DemoModel

Json = dict[str, Any]


def tool(name: str, *required: str, **properties: str) -> Json:
    """A tool's description in a request; properties by their JSON type."""
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(required),
    }
    return {"type": "function", "function": {"name": name, "parameters": schema}}


OPENCODE = [
    tool("bash", "command", "description",
         command="string", description="string", timeout="number"),
    tool("read", "filePath", filePath="string", offset="number", limit="number"),
    tool("write", "filePath", "content", filePath="string", content="string"),
    tool("edit", "filePath", "oldString", "newString",
         filePath="string", oldString="string", newString="string", replaceAll="boolean"),
    tool("glob", "pattern", pattern="string", path="string"),
    tool("grep", "pattern", pattern="string", path="string"),
    tool("todowrite", "todos", todos="array"),
    tool("question", "questions", questions="array"),
]  # fmt: skip


@dataclass
class Agent:
    """Keeps the conversation, and asks until the model is done."""

    folder: Path
    model: DemoModel
    tools: list[Json] = field(default_factory=lambda: list(OPENCODE))
    messages: list[Json] = field(default_factory=list[Json])
    ran: list[tuple[str, Json]] = field(default_factory=list[tuple[str, Json]])
    thoughts: list[str] = field(default_factory=list[str])
    statuses: list[int] = field(default_factory=list[int])
    conversation: str = "s_1"
    answers: dict[str, str] = field(default_factory=dict[str, str])
    """What the hub's own tools give, by their names; they are not to be had here."""

    async def ask(self) -> tuple[int, list[Json], bool]:
        """One streamed request: status, its events, and whether it was whole."""
        body = {"model": "demo", "stream": True, "messages": self.messages, "tools": self.tools}
        answer = self.model.answer(
            "POST", "/chat/completions", json.dumps(body).encode(), self.conversation
        )
        data = b""
        whole = True
        try:
            async for chunk in answer.stream:
                data += chunk
        except Exception:
            whole = False
        if answer.status != 200:
            return answer.status, [json.loads(data)], whole
        lines = [line.removeprefix("data: ") for line in data.decode().split("\n\n") if line]
        if whole:
            assert lines.pop() == "[DONE]"
        return 200, [json.loads(line) for line in lines], whole

    async def prompt(self, text: str, *, attempts: int = 10) -> str:
        """Do a whole turn; returns the last text."""
        self.messages.append({"role": "user", "content": [{"type": "text", "text": text}]})
        for _ in range(1000):
            status, events, whole = await self.ask()
            self.statuses.append(status)
            if status != 200 or not whole:
                attempts -= 1
                assert attempts > 0
                continue
            message = self._put_together(events)
            self.messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for call in message["tool_calls"]:
                arguments = json.loads(call["function"]["arguments"])
                name = call["function"]["name"]
                self.ran.append((name, arguments))
                result = self._carry_out(name, arguments)
                self.messages.append(
                    {"role": "tool", "tool_call_id": call["id"], "content": result}
                )
        raise AssertionError("the turn has no end")

    def _put_together(self, events: list[Json]) -> Json:
        text, thought, calls = "", "", dict[int, Json]()
        for event in events:
            for choice in event["choices"]:
                delta = choice["delta"]
                text += delta.get("content") or ""
                thought += delta.get("reasoning_content") or ""
                for piece in delta.get("tool_calls", []):
                    call = calls.setdefault(piece["index"], {**piece, "function": {}})
                    for key, value in piece["function"].items():
                        call["function"][key] = call["function"].get(key, "") + value
        finish = [c["finish_reason"] for e in events for c in e["choices"] if c["finish_reason"]]
        assert finish == ["tool_calls" if calls else "stop"]
        assert events[-1]["usage"]["completion_tokens"] > 0
        self.thoughts.append(thought)
        message: Json = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {key: value for key, value in call.items() if key != "index"}
                for call in calls.values()
            ]
        return message

    def _carry_out(self, name: str, arguments: Json) -> str:
        offered = next(t["function"] for t in self.tools if t["function"]["name"] == name)
        missing = set(offered["parameters"]["required"]) - set(arguments)
        extra = set(arguments) - set(offered["parameters"]["properties"])
        assert not missing and not extra, (name, missing, extra)
        if name.startswith("bunkhouse_"):
            return self.answers.get(name, "It is done.")
        deeds: dict[str, Callable[..., str]] = {
            "bash": self._bash,
            "execute": self._bash,
            "read": self._read,
            "write": self._write,
            "edit": self._edit,
            "glob": self._glob,
            "todowrite": self._todowrite,
            "question": self._question,
        }
        try:
            return deeds[name](**arguments)
        except OSError as error:
            return f"Error: {error}"

    def _bash(self, command: str = "", cmd: str = "", **_: Any) -> str:
        done = subprocess.run(
            ["bash", "-c", command or cmd],
            cwd=self.folder,
            text=True,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.stdout + (f"\nexit code {done.returncode}" if done.returncode else "")

    def _read(self, **given: str) -> str:
        return Path(given["filePath"]).read_text()

    def _glob(self, pattern: str) -> str:
        return "\n".join(map(str, self.folder.glob(pattern)))

    def _todowrite(self, todos: list[Json]) -> str:
        return json.dumps(todos)

    def _question(self, questions: list[Json]) -> str:
        return f"answers to {len(questions)}: Red"

    def _write(self, **given: str) -> str:
        Path(given["filePath"]).write_text(given["content"])
        return "Wrote file successfully."

    def _edit(self, **given: str) -> str:
        path, old = Path(given["filePath"]), given["oldString"]
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, given["newString"]))
        return "Edit applied successfully."
