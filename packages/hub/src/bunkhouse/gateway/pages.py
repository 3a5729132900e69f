"""What the gateway says itself at an app's origin: pages for people, problem details for programs.

The pages carry all they need. They run beside whatever the app has stored at its origin, and so
know nothing that the app may not.
"""

import html
import json
import secrets
from collections.abc import Sequence

from starlette.responses import HTMLResponse, Response

from bunkhouse.api.document import document, paragraph
from bunkhouse.api.problems import problem
from bunkhouse.errors import BunkhouseError

READY = "/.bunkhouse/ready"
"""Path on every app's origin that says if the app can be reached now."""

_RELOAD = """
const ask = async () => {
  try {
    if ((await fetch(READY, { cache: "no-store" })).status === 204) return location.reload();
  } catch {}
  setTimeout(ask, 1000);
};
setTimeout(ask, 500);
"""

_EXPIRED = """
if (window.top === window) location.replace(ENTRY);
else for (const hub of HUBS) parent.postMessage({ type: "bunkhouse:expired" }, hub);
"""


def waiting(port: str | None, error: BunkhouseError, status: int, *, policy: str) -> Response:
    """Say that the app can't be reached yet, and load it as soon as it can."""
    if port is not None and error.reason == "not_listening":
        title = f"Nothing listens on port {port} yet"
        message = "Start your server in a terminal, or have the agent do it."
    else:
        title = "Not there now"
        message = error.message
    return _page(
        title,
        paragraph(message),
        paragraph(error.remedy),
        '<p class="waits" role="status">This page opens it as soon as it is there.</p>',
        script=_RELOAD.replace("READY", _js(READY)),
        status=status,
        policy=policy,
    )


def expired(entry: str, hubs: Sequence[str], *, policy: str) -> Response:
    """Say that the leave has expired; the hub's page around it is told, and can renew it."""
    body = f'<p><a href="{html.escape(entry)}" target="_blank">Open it again</a></p>'
    script = _EXPIRED.replace("ENTRY", _js(entry)).replace("HUBS", _js(list(hubs)))
    return _page("This view has expired", body, script=script, status=401, policy=policy)


def refused(error: BunkhouseError, *, policy: str, status: int | None = None) -> Response:
    """Say why not."""
    said = (paragraph(error.message), paragraph(error.remedy))
    return _page("Not here", *said, status=status or error.status, policy=policy)


def told(error: BunkhouseError, status: int | None = None) -> Response:
    """Say why not, to a program."""
    return problem(
        status or error.status,
        error.message,
        code=error.reason,
        remedy=error.remedy,
        headers={"Cache-Control": "no-store"},
    )


def _page(title: str, *body: str, script: str = "", status: int, policy: str) -> Response:
    nonce = secrets.token_urlsafe(12)
    return HTMLResponse(
        document(title, *body, script=script, nonce=nonce),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            f"script-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; {policy}",
        },
    )


def _js(value: object) -> str:
    """A value within a script: `</script>` can't be in it."""
    return json.dumps(value).replace("<", "\\u003c")
