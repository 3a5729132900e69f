"""The few pages that the hub writes itself: where the client is not there, or not yet of use."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

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
label {{ display: block; }}
input, button, .way {{ font: inherit; box-sizing: border-box; width: 100%; max-width: 22rem;
  padding: .5rem .75rem; margin: .25rem 0 .75rem; border: 1px solid #888c; border-radius: 6px; }}
button, .way {{ display: block; cursor: pointer; text-align: center; text-decoration: none;
  color: inherit; background: #8882; }}
code {{ font-size: .95em; padding: .1em .3em; border: 1px solid #8886; border-radius: 4px; }}
</style>
<h1>{title}</h1>
<p>{message}</p>
{remedy}
{action}
{further}
</html>
"""


_WITH_A_FORM = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    # With `no-referrer` browsers say of a form that it comes from nowhere (`Origin: null`).
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A form of one line of text, which is posted to `path` as `name`."""

    path: str
    label: str
    name: str
    longest: int
    button: str
    value: str = ""

    def html(self) -> str:
        """Write it."""
        path, label, name, button, value = (
            html.escape(each)
            for each in (self.path, self.label, self.name, self.button, self.value)
        )
        return (
            f'<form method="post" action="{path}"><label>{label}'
            f'<input name="{name}" value="{value}" maxlength="{self.longest}" required autofocus'
            f' autocomplete="name"></label><button>{button}</button></form>'
        )


def page(
    title: str,
    message: str,
    *,
    remedy: str | None = None,
    action: tuple[str, str] | None = None,
    ways: Sequence[tuple[str, str]] = (),
    form: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Make a page of one message. Words between backticks in `remedy` are shown as code.

    `action`: the words of a link, and the path of ours where it leads; `ways`: those of buttons.
    """
    further = "\n".join(
        f'<a class="way" href="{html.escape(path)}">{html.escape(words)}</a>'
        for words, path in ways
    )
    headers = {"Cache-Control": "no-store"}
    if form is not None:
        further += form.html()
        headers |= _WITH_A_FORM
    return HTMLResponse(
        _PAGE.format(
            title=html.escape(title),
            message=html.escape(message),
            remedy=f"<p>{_coded(remedy)}</p>" if remedy else "",
            action=f'<p><a href="{html.escape(action[1])}">{html.escape(action[0])}</a></p>'
            if action
            else "",
            further=further,
        ),
        status_code=status,
        headers=headers,
    )


def _coded(text: str) -> str:
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
