"""The time until a session has a sandbox: the image may still be built, the engine be away."""

import contextlib
import json
import time
from typing import Any

from bunkhouse.cli.hub import Hub, HubGone
from bunkhouse.cli.image_progress import Image, ImageProgress
from bunkhouse.cli.stream import open_stream
from bunkhouse.cli.terminal import stderr
from bunkhouse.errors import EngineDown, ImageMissing

_ENGINE_SECONDS = 30.0
"""How long an engine that does not answer is waited for; it may be starting."""


def wait_for_sandbox(hub: Hub, session_id: str) -> None:
    """Return when the session is queued no more; show the image's progress meanwhile.

    What can't become better by waiting ends the waiting, and takes the prompt back.

    Raises:
        ImageMissing: the image can't be built.
        EngineDown: the engine does not answer.
    """
    down_since: float | None = None
    # A hub that goes away here may come back while the log is followed, which waits for it.
    with ImageProgress(stderr()) as progress, contextlib.suppress(HubGone):
        for item in open_stream(hub, "/api/events"):
            data: dict[str, Any] = json.loads(item.data) if item.data else {}
            if item.event == "session" and data["id"] == session_id:
                if data["state"] != "queued" or not data["queue"]:
                    return
            elif item.event == "session_deleted" and data["id"] == session_id:
                return
            elif item.event == "system":
                status = Image.of(data["image"])
                progress.show(status)
                engine = data["engine"]
                down_since = None if engine["ok"] else down_since or time.monotonic()
                if status.state == "failed":
                    _take_back(hub, session_id)
                    raise ImageMissing(
                        "The sandbox image could not be built, so the task was not begun.",
                        remedy="Mend what is said above, then try again.",
                    )
            if down_since is not None and time.monotonic() - down_since > _ENGINE_SECONDS:
                _take_back(hub, session_id)
                raise EngineDown(
                    "The container engine does not answer, so the task was not begun.",
                    remedy="`bunkhouse doctor` says what is missing.",
                )


def _take_back(hub: Hub, session_id: str) -> None:
    hub.ask("POST", f"/api/sessions/{session_id}/stop")
