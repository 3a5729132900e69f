"""After a model has refused what a conversation holds: taking out what it could not take.

OpenCode shows a model the whole conversation at each step. A picture that the provider refuses
would fail every turn from there on.
"""

import contextlib
from typing import cast

from bunkhouse_runner.agents.opencode.client import Client, Refused, Unreachable
from bunkhouse_runner.agents.opencode.tools import Json

_MESSAGES = 100
_MARK = "Attached file: "


async def forget_files(client: Client, session: str, since: int) -> bool:
    """Take out the turn's messages that have files and got no answer; False: there were none.

    `since`: the turn's messages were created after that (ms). Whoever failed to answer goes along.
    """
    with contextlib.suppress(Refused, Unreachable):
        messages = await client.messages(session, _MESSAGES)
        doomed = _doomed([each for each in messages if _created(each) > since])
        for message in doomed:
            await client.forget(session, message)
        return bool(doomed)
    return False


def _doomed(messages: list[Json]) -> list[str]:
    """Go back from the end over what was not answered."""
    found: list[str] = []
    failed: list[str] = []
    for message in reversed(messages):
        info = message["info"]
        if info["role"] == "user":
            if _has_files(message):
                found += [str(info["id"]), *failed]
                failed = []
        elif info.get("error"):
            failed.append(str(info["id"]))
        else:
            break
    return found


def _has_files(message: Json) -> bool:
    return any(
        part["type"] == "file" or str(part.get("text") or "").startswith(_MARK)
        for part in cast("list[Json]", message["parts"])
        if part["type"] == "file" or part.get("synthetic")
    )


def _created(message: Json) -> int:
    return int(message["info"]["time"]["created"])
