"""What a person said and attached, as the parts of a message to OpenCode.

A text file goes as text, framed by us: OpenCode would say that it came of its `read` tool, from a
path that there is not. A picture goes as a file with its bytes in a `data:` URL. Before each stands
what it is called, which no model's API carries.
"""

import base64
from collections.abc import Sequence

from bunkhouse_runner.agents.base import AttachedFile
from bunkhouse_runner.agents.opencode.tools import Json

TEXT = "text/plain"


def of_text(text: str, *, synthetic: bool = False) -> Json:
    """Return a text; a `synthetic` one is said to the model and not shown."""
    return {"type": "text", "text": text, "synthetic": synthetic}


def of_prompt(text: str, files: Sequence[AttachedFile]) -> list[Json]:
    """Return the parts of a prompt, its text first."""
    parts = [of_text(text)] if text else []
    for file in files:
        about = f"Attached file: {file.name} ({file.mime}, {len(file.data)} bytes)"
        if file.mime == TEXT:
            content = file.data.decode("utf-8", "replace")
            parts.append(of_text(f"{about}\n\n{content}", synthetic=True))
        else:
            parts += [of_text(about, synthetic=True), _picture(file)]
    return parts


def pictures(files: Sequence[AttachedFile]) -> list[AttachedFile]:
    """Return those that not every model can read."""
    return [file for file in files if file.mime != TEXT]


def _picture(file: AttachedFile) -> Json:
    url = f"data:{file.mime};base64,{base64.b64encode(file.data).decode()}"
    return {"type": "file", "mime": file.mime, "filename": file.name, "url": url}
