"""The demo model: a script that speaks like an OpenAI-compatible model.

With it all of Bunkhouse can be tried and tested without an account anywhere. It has no
intelligence, and says so first.

Whatever it does follows from the conversation that it is shown: how many steps the agent has taken
since the last prompt. So it needs no memory, and goes on where it was after either side restarts.

- `model`: answers one request.
- `conversation`: reads the request: the prompt, the tools, the steps so far.
- `attached`: the files that came with the prompt.
- `directive`: reads `[demo:NAME key=value …]`.
- `scripts`: the named scripts; `work`: the one that runs without a name.
- `browser`, `hub_tools`: those that use the sandbox's browser, and the hub's own tools.
- `toolbox`: calls whatever tools the agent has.
- `wire`: the answer as a stream or a document, at the pace of speech.
- `serving`: as an HTTP transport (behind the models door) and as an ASGI application.
"""

from bunkhouse.broker.demo.model import DemoModel
from bunkhouse.broker.demo.scripts import SCRIPTS
from bunkhouse.broker.demo.serving import (
    DEMO_BASE_URL,
    DEMO_URL_PATTERN,
    DemoTransport,
    demo_application,
)
from bunkhouse.broker.demo.wire import DEMO_MODELS

__all__ = [
    "DEMO_BASE_URL",
    "DEMO_MODELS",
    "DEMO_URL_PATTERN",
    "SCRIPTS",
    "DemoModel",
    "DemoTransport",
    "demo_application",
]
