"""Every tool of the hub: its name, when an agent is to use it, with what, and who may."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bunkhouse.broker.tools import arguments, family, person, pull_request, screenshot
from bunkhouse.broker.tools.arguments import Arguments
from bunkhouse.broker.tools.work import Call, Told
from bunkhouse.people.permissions import Action


@dataclass(frozen=True, slots=True)
class Tool:
    """One of them."""

    name: str
    description: str
    arguments: type[Arguments]
    serve: Callable[[Call, Any], Awaitable[Told]]
    """Is given arguments of that type, which were checked."""
    needs: tuple[Action, ...]
    """What the person may have to, in this session or in the installation."""
    reads: bool = False
    """It changes nothing."""


TOOLS: tuple[Tool, ...] = (
    Tool(
        "open_pull_request",
        "Commit and push all that is done in this session, and open a pull request of it; one that "
        "is open is brought up to the work. Use it when the work is ready to be reviewed, and "
        "again after further changes. Do not push by hand for it.",
        arguments.OpenPullRequest,
        pull_request.open_one,
        ("session.publish",),
    ),
    Tool(
        "pull_request_status",
        "Read how this session's pull request is now: its state, its checks, its reviews and its "
        "comments. Use it when you are asked about them, or to see whether the checks pass.",
        arguments.PullRequestStatus,
        pull_request.status,
        ("session.publish",),
        reads=True,
    ),
    Tool(
        "post_screenshot",
        "Show people a picture in the transcript. Use it when you have changed something that can "
        "be seen, so that they need not run it. Take the picture first, such as with the browser.",
        arguments.PostScreenshot,
        screenshot.post,
        ("session.prompt",),
    ),
    Tool(
        "ask_person",
        "Ask the people of this session and wait for the answer, which may take minutes. Use it "
        "when you can't go on well without it: a decision that is theirs, something that only they "
        "know. Do not use it for what you can find out yourself.",
        arguments.AskPerson,
        person.ask,
        ("session.prompt",),
    ),
    Tool(
        "start_session",
        "Start another session with a sandbox and an agent of its own, which works at the same "
        "time. Use it to split off a part of the work that stands by itself, and only if you were "
        "asked to split the work or it is large. It begins at what you have pushed.",
        arguments.StartSession,
        family.start,
        ("sessions.create", "session.split"),
    ),
    Tool(
        "read_session",
        "Read how a session is that you started: whether it still works, what it said last, its "
        "branch and its pull request. Give `wait_seconds` to wait until it is at rest.",
        arguments.ReadSession,
        family.read,
        ("session.prompt",),
        reads=True,
    ),
    Tool(
        "end_session",
        "End this session after this turn: its sandbox is put away. Use it only if you were asked "
        "to end it when the work is done.",
        arguments.EndSession,
        family.end,
        ("session.sleep",),
    ),
)

BY_NAME = {tool.name: tool for tool in TOOLS}
