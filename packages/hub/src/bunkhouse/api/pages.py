"""The few pages that the hub writes itself: where the client is not there, or not yet of use."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse

from bunkhouse.api.document import document, link, paragraph

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


@dataclass(frozen=True, slots=True)
class Press:
    """A button that posts to `path`, and nothing with it."""

    path: str
    button: str

    def html(self) -> str:
        """Write it."""
        path, button = html.escape(self.path), html.escape(self.button)
        return f'<form method="post" action="{path}"><button>{button}</button></form>'


def page(
    title: str,
    message: str,
    *,
    remedy: str | None = None,
    action: tuple[str, str] | None = None,
    ways: Sequence[tuple[str, str]] = (),
    form: Form | Press | None = None,
    status: int = 200,
    retry_after: int | None = None,
) -> HTMLResponse:
    """Make a page of one message. Words between backticks in it and in `remedy` are code.

    `action`: the words of a link, and the path of ours where it leads; `ways`: those of buttons.
    """
    headers = {"Cache-Control": "no-store"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if form is not None:
        headers |= _WITH_A_FORM
    return HTMLResponse(
        document(
            title,
            paragraph(message),
            paragraph(remedy),
            f"<p>{link(*action)}</p>" if action else "",
            *(link(words, path, kind="way") for words, path in ways),
            form.html() if form else "",
        ),
        status_code=status,
        headers=headers,
    )
