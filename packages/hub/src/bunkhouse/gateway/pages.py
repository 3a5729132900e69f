"""What the gateway says itself at an app's origin: pages for people, problem details for programs.

The pages carry all they need. They run beside whatever the app has stored at its origin, and so
know nothing that the app may not.
"""

import html
import json
import secrets
from collections.abc import Sequence

from starlette.responses import HTMLResponse, Response

from bunkhouse.api.problems import problem
from bunkhouse.errors import BunkhouseError

READY = "/.bunkhouse/ready"
"""Path on every app's origin that says if the app can be reached now."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · Bunkhouse</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 18vh auto 0;
  padding: 0 1.5rem; }}
h1 {{ font-size: 1.25rem; font-weight: 600; margin: 0 0 .5rem; }}
p {{ margin: .5rem 0; color: color-mix(in srgb, currentColor 75%, transparent); }}
code {{ font-size: .95em; padding: .1em .3em; border: 1px solid #8886; border-radius: 4px; }}
a {{ color: inherit; text-underline-offset: .2em; }}
.waits::before {{ content: ""; display: inline-block; width: .5em; height: .5em;
  margin-right: .6em; border-radius: 50%; background: currentColor; opacity: .5;
  animation: waits 1.6s ease-in-out infinite; }}
@keyframes waits {{ 50% {{ opacity: .1; }} }}
@media (prefers-reduced-motion: reduce) {{ .waits::before {{ animation: none; }} }}
</style>
<h1>{title}</h1>
{body}
<script nonce="{nonce}">{script}</script>
</html>
"""

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
        title = f"Nothing listens on port {html.escape(port)} yet"
        message = "Start your server in a terminal, or have the agent do it."
    else:
        title = "Not there now"
        message = error.message
    body = (
        f"<p>{_coded(message)}</p>"
        + (f"<p>{_coded(error.remedy)}</p>" if error.remedy else "")
        + '<p class="waits" role="status">This page opens it as soon as it is there.</p>'
    )
    return _page(title, body, _RELOAD.replace("READY", _js(READY)), status=status, policy=policy)


def expired(entry: str, hubs: Sequence[str], *, policy: str) -> Response:
    """Say that the leave has expired; the hub's page around it is told, and can renew it."""
    body = f'<p><a href="{html.escape(entry)}" target="_blank">Open it again</a></p>'
    script = _EXPIRED.replace("ENTRY", _js(entry)).replace("HUBS", _js(list(hubs)))
    return _page("This view has expired", body, script, status=401, policy=policy)


def refused(error: BunkhouseError, *, policy: str, status: int | None = None) -> Response:
    """Say why not."""
    body = f"<p>{_coded(error.message)}</p>"
    body += f"<p>{_coded(error.remedy)}</p>" if error.remedy else ""
    return _page("Not here", body, "", status=status or error.status, policy=policy)


def told(error: BunkhouseError, status: int | None = None) -> Response:
    """Say why not, to a program."""
    return problem(
        status or error.status,
        error.message,
        code=error.reason,
        remedy=error.remedy,
        headers={"Cache-Control": "no-store"},
    )


def _page(title: str, body: str, script: str, *, status: int, policy: str) -> Response:
    nonce = secrets.token_urlsafe(12)
    return HTMLResponse(
        _PAGE.format(title=title, body=body, script=script, nonce=nonce),
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


def _coded(text: str) -> str:
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
