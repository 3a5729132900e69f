"""A request to the demo model, read: the prompt, the tools, and what was done since the prompt."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, cast

from bunkhouse.broker.demo.attached import Attached, attached_to, without_files
from bunkhouse.broker.demo.directive import Directive, directive_in
from bunkhouse.broker.demo.toolbox import Toolbox

Json = dict[str, Any]

ATTACHED = "Attached media from tool result:"
"""Begins what agents say in the person's name to show a model a tool's pictures: no prompt."""

CALL_ID = "demo_{step}_{place}_{salt}"
_CALL_ID = re.compile(r"demo_(\d+)_\d+_")

_CHORES = {
    "title": re.compile(r"title generator|generate a (?:short |brief )?title", re.IGNORECASE),
    "summary": re.compile(
        r"summari[sz]|compact(?:ion|ing)|continuing our conversation|pull request descr",
        re.IGNORECASE,
    ),
}
"""What agents ask models besides their work: by words of the instruction."""


class BadRequest(Exception):
    """The request is not one of chat completions; the text says why."""


@dataclass(frozen=True)
class Done:
    """A tool call of this turn, and what came of it."""

    tool: str
    arguments: Json
    result: str


@dataclass(frozen=True)
class Turn:
    """What the demo model goes by."""

    prompt: str
    attached: list[Attached]
    """Files that came with it."""
    before: list[str]
    """The prompts before it, as far as the conversation still has them."""
    directive: Directive | None
    step: int
    """How many times tools were called since the prompt."""
    done: list[Done]
    tools: Toolbox
    chore: str | None
    """`title` or `summary` where that is asked for and no work; else None."""
    key: str
    """The same for each attempt at the same step of the same turn."""
    words_in: int

    def results(self, tool: str | None) -> list[str]:
        """What the calls of a tool gave in this turn."""
        return [done.result for done in self.done if tool is not None and done.tool == tool]


def read_turn(body: object, conversation: str) -> Turn:
    """Read a request's body. `conversation` tells sessions apart. Raises `BadRequest`."""
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object.")
    request = cast("Json", body)
    listed: object = request.get("messages")
    if not isinstance(listed, list) or not listed:
        raise BadRequest("`messages` is missing or empty.")
    messages = [cast("Json", m) for m in cast("list[object]", listed) if isinstance(m, dict)]
    users = [index for index, message in enumerate(messages) if _is_prompt(message)]
    last = users[-1] if users else -1
    content = messages[last].get("content") if users else ""
    prompt = text_of(without_files(content))
    tools = Toolbox(request.get("tools"))
    since = messages[last + 1 :]
    step = _steps(since)
    said = json.dumps([conversation, len(users), prompt, step])
    return Turn(
        prompt=prompt,
        attached=attached_to(content),
        before=[text_of(messages[index].get("content")) for index in users[:-1]],
        directive=directive_in(prompt),
        step=step,
        done=_done(since),
        tools=tools,
        chore=None if tools else _chore(messages),
        key=hashlib.sha256(said.encode()).hexdigest(),
        words_in=sum(len(text_of(message.get("content")).split()) for message in messages),
    )


def _is_prompt(message: Json) -> bool:
    said = text_of(message.get("content"))
    return message.get("role") == "user" and not said.startswith(ATTACHED)


def text_of(content: object) -> str:
    """The text of a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [cast("Json", p) for p in cast("list[object]", content) if isinstance(p, dict)]
        return "\n".join(str(part.get("text", "")) for part in parts if part.get("type") == "text")
    return ""


def _calls(message: Json) -> list[Json]:
    calls: object = message.get("tool_calls")
    if message.get("role") != "assistant" or not isinstance(calls, list):
        return []
    return [cast("Json", call) for call in cast("list[object]", calls) if isinstance(call, dict)]


def _steps(since: list[Json]) -> int:
    # An agent may put several steps into one message: the ids of our own calls say better.
    ids = [str(call.get("id", "")) for message in since for call in _calls(message)]
    own = [int(match[1]) for call_id in ids if (match := _CALL_ID.match(call_id))]
    if own:
        return max(own) + 1
    return sum(1 for message in since if _calls(message))


def _done(since: list[Json]) -> list[Done]:
    results = {
        str(message.get("tool_call_id")): text_of(message.get("content"))
        for message in since
        if message.get("role") == "tool"
    }
    done: list[Done] = []
    for message in since:
        for call in _calls(message):
            function = cast("Json", call.get("function") or {})
            try:
                arguments: object = json.loads(str(function.get("arguments") or "{}"))
            except ValueError:
                arguments = {}
            done.append(
                Done(
                    tool=str(function.get("name", "")),
                    arguments=cast("Json", arguments) if isinstance(arguments, dict) else {},
                    result=results.get(str(call.get("id")), ""),
                )
            )
    return done


def _chore(messages: list[Json]) -> str | None:
    instructions = [
        text_of(message.get("content"))
        for index, message in enumerate(messages)
        if message.get("role") in ("system", "developer") or index in (0, len(messages) - 1)
    ]
    for chore, words in _CHORES.items():
        if any(words.search(_without_directive(text)) for text in instructions):
            return chore
    return None


def _without_directive(text: str) -> str:
    return re.sub(r"\[demo:[^\]]*\]", "", text)
