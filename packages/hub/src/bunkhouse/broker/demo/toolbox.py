"""Calls the tools that an agent offers, whatever it names them and their parameters.

Agents agree on what tools do and not on words: `bash{command}`, `run_shell_command{command}`,
`execute{cmd}`. The demo model asks for a *deed* (`shell`, `write`, …) and gets the call that the
agent in front of it understands.
"""

from dataclasses import dataclass
from typing import Any, cast

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A tool call to make."""

    tool: str
    arguments: Json


_DEEDS: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "shell": (
        ("bash", "shell", "execute", "run_command", "run_shell_command", "execute_command"),
        {
            "command": ("command", "cmd", "script"),
            "description": ("description",),
            "timeout": ("timeout", "timeout_ms"),
        },
    ),
    "read": (
        ("read", "read_file", "view"),
        {"path": ("filePath", "file_path", "path", "filename")},
    ),
    "write": (
        ("write", "write_file", "create_file"),
        {
            "path": ("filePath", "file_path", "path", "filename"),
            "content": ("content", "text", "file_text", "contents"),
        },
    ),
    "edit": (
        ("edit", "edit_file", "str_replace", "replace"),
        {
            "path": ("filePath", "file_path", "path", "filename"),
            "old": ("oldString", "old_string", "old_str", "search"),
            "new": ("newString", "new_string", "new_str", "replace"),
        },
    ),
    "find": (("glob", "find_files", "list_files"), {"pattern": ("pattern", "glob", "query")}),
    "search": (("grep", "search", "search_files"), {"pattern": ("pattern", "query", "regex")}),
    "plan": (("todowrite", "todo_write", "write_todos", "update_plan"), {"todos": ("todos",)}),
    "ask": (("question", "ask_user", "ask"), {"questions": ("questions",)}),
    "navigate": (("browser_navigate", "browser_browser_navigate"), {"url": ("url",)}),
    "snapshot": (("browser_snapshot", "browser_browser_snapshot"), {}),
    "screenshot": (("browser_take_screenshot", "browser_browser_take_screenshot"), {}),
    "click": (
        ("browser_click", "browser_browser_click"),
        {"element": ("element",), "target": ("target", "ref")},
    ),
    # the hub's own, under the names that agents make of theirs
    "ask_person": (
        ("bunkhouse_ask_person", "ask_person"),
        {"question": ("question",), "choices": ("choices",)},
    ),
    "post_screenshot": (
        ("bunkhouse_post_screenshot", "post_screenshot"),
        {"path": ("path",), "caption": ("caption",)},
    ),
    "start_session": (
        ("bunkhouse_start_session", "start_session"),
        {"prompt": ("prompt",), "title": ("title",)},
    ),
    "read_session": (
        ("bunkhouse_read_session", "read_session"),
        {"session_id": ("session_id",), "wait": ("wait_seconds",)},
    ),
    "open_pull_request": (
        ("bunkhouse_open_pull_request", "open_pull_request"),
        {"title": ("title",), "body": ("body",), "draft": ("draft",)},
    ),
    "pull_request_status": (("bunkhouse_pull_request_status", "pull_request_status"), {}),
    "end_session": (("bunkhouse_end_session", "end_session"), {}),
}
"""For each deed: names of tools that do it, and for each parameter the names it may have."""

_EMPTY: dict[str, object] = {
    "string": "",
    "number": 0,
    "integer": 0,
    "boolean": False,
    "array": [],
    "object": {},
}


class Toolbox:
    """The tools of a request. Empty (false) where it offers none."""

    def __init__(self, offered: object) -> None:
        """`offered` is the request's `tools`; what is not understood is left out."""
        self._tools: dict[str, tuple[str, Json]] = {}
        for entry in cast("list[object]", offered) if isinstance(offered, list) else []:
            function: object = (
                cast("Json", entry).get("function") if isinstance(entry, dict) else None
            )
            if isinstance(function, dict) and (name := cast("Json", function).get("name")):
                schema: object = cast("Json", function).get("parameters")
                self._tools[str(name).lower()] = (
                    str(name),
                    cast("Json", schema) if isinstance(schema, dict) else {},
                )

    def __bool__(self) -> bool:
        return bool(self._tools)

    def name_of(self, deed: str) -> str | None:
        """The agent's name of the tool that does this; None where it has none."""
        names, _ = _DEEDS[deed]
        return next((self._tools[name][0] for name in names if name in self._tools), None)

    def call(self, deed: str, **values: object) -> Call | None:
        """A call that does this; None where the agent has no tool for it."""
        names, parameters = _DEEDS[deed]
        found = next((self._tools[name] for name in names if name in self._tools), None)
        if found is None:
            return None
        name, schema = found
        properties = cast("dict[str, Json]", schema.get("properties") or {})
        arguments: Json = {}
        for parameter, value in values.items():
            known = parameters[parameter]
            named = next((word for word in known if word in properties), None)
            if named is None and not properties:
                named = known[0]
            if named is not None:
                arguments[named] = value
        for required in cast("list[str]", schema.get("required") or []):
            if required not in arguments:
                schema = properties.get(required) or {}
                choices = cast("list[object]", schema.get("enum") or [])
                kind = str(schema.get("type", "string"))
                arguments[required] = choices[0] if choices else _EMPTY.get(kind, "")
        return Call(name, arguments)

    def calls(self, *wanted: Call | None) -> list[Call]:
        """Those of the calls that can be made."""
        return [call for call in wanted if call is not None]
