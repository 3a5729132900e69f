"""What waits for a person: permission requests and questions."""

from pathlib import PurePath
from typing import Any, cast

from bunkhouse_protocol.events import PermissionRequested, Question, QuestionAsked
from bunkhouse_runner.agents.opencode import tools
from bunkhouse_runner.agents.opencode.tools import Json


def permission(request: Json, tool_call_id: str | None, workspace: PurePath) -> PermissionRequested:
    """Tell a permission request."""
    metadata = cast("Json", request.get("metadata") or {})
    patterns = _strings(request.get("patterns"))
    path = metadata.get("filepath")
    title = tools.relative(str(path), workspace) if path else ""
    title = title or str(metadata.get("command") or metadata.get("url") or ", ".join(patterns))
    return PermissionRequested(
        request_id=str(request["id"]),
        tool_call_id=tool_call_id,
        permission=str(request["permission"]),
        title=tools.one_line(title),
        patterns=patterns,
        always=_strings(request.get("always")),
    )


def question(request: Json, tool_call_id: str | None) -> QuestionAsked:
    """Tell questions."""
    return QuestionAsked(
        request_id=str(request["id"]),
        tool_call_id=tool_call_id,
        questions=[
            Question.model_validate(asked) for asked in cast("list[Any]", request["questions"])
        ],
    )


def _strings(values: object) -> list[str]:
    return [str(value) for value in cast("list[Any]", values or [])]
