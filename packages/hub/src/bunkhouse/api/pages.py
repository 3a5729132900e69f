"""The few pages that the hub writes itself: where the client is not there, or not yet of use."""

import html

from starlette.responses import HTMLResponse

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · Bunkhouse</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto 0;
  padding: 0 1.5rem; }}
h1 {{ font-size: 1.5rem; }}
code {{ font-size: .95em; padding: .1em .3em; border: 1px solid #8886; border-radius: 4px; }}
</style>
<h1>{title}</h1>
<p>{message}</p>
{remedy}
{action}
</html>
"""


def page(
    title: str,
    message: str,
    *,
    remedy: str | None = None,
    action: tuple[str, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Make a page of one message. Words between backticks in `remedy` are shown as code.

    `action`: the words of a link, and the path of ours where it leads.
    """
    return HTMLResponse(
        _PAGE.format(
            title=html.escape(title),
            message=html.escape(message),
            remedy=f"<p>{_coded(remedy)}</p>" if remedy else "",
            action=f'<p><a href="{html.escape(action[1])}">{html.escape(action[0])}</a></p>'
            if action
            else "",
        ),
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )


def _coded(text: str) -> str:
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
