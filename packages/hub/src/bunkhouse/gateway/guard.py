"""Which requests at an app's origin are the person's own, and which another site made.

A browser attaches the origin's cookie to what any page makes it fetch. What it says of that page
(`Sec-Fetch-Site`, `Origin`, `Referer`; scripts can't forge them) decides: the app itself, another
app of the same session, and people who follow a link or see it in a frame are let through.
"""

from starlette.datastructures import Headers

from bunkhouse.errors import Forbidden, InvalidInput
from bunkhouse.gateway.origins import Address, Origins

_SAFE = {"GET", "HEAD"}


def check_form(method: str, target: str, headers: Headers) -> None:
    """Refuse what two readers could read as two things.

    Raises:
        InvalidInput: not `/path`, not one Host, or a body whose length is told twice.
    """
    if not target.startswith("/") or method in ("CONNECT", "TRACE"):
        raise InvalidInput("This is no request for a path.", code="bad_request")
    lengths, codings = headers.getlist("content-length"), headers.getlist("transfer-encoding")
    if len(headers.getlist("host")) != 1 or len(lengths) > 1 or len(codings) > 1:
        raise InvalidInput("A header that may be there once is not.", code="bad_request")
    if codings and (lengths or codings[0].strip().lower() != "chunked"):
        raise InvalidInput("The length of the body is told in two ways.", code="bad_request")


def check_site(method: str, headers: Headers, origins: Origins, address: Address) -> None:
    """Refuse what a page of another site made the browser send.

    Raises:
        Forbidden: it was another site's page.
    """
    site = headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = headers.get("origin")
    if _same_session(origin or _origin_in(headers.get("referer")), origins, address):
        return
    if origin is None and method in _SAFE:
        if site is None:
            return  # by plain HTTP browsers say nothing: `SameSite` has kept the cookie then
        if headers.get("sec-fetch-mode") == "navigate":
            return
    raise _foreign()


def check_websocket(headers: Headers, origins: Origins, address: Address) -> None:
    """Refuse a WebSocket of another site's page; no rule of browsers stops those.

    Raises:
        Forbidden: it was another site's page, or nobody says which.
    """
    if not _same_session(headers.get("origin"), origins, address):
        raise _foreign()


def same_session(origin: str | None, origins: Origins, address: Address) -> Address | None:
    """Give whose an origin is if it is an app's of the same session."""
    other = origins.address_of(origin) if origin else None
    return other if other is not None and other.session == address.session else None


def is_navigation(headers: Headers) -> bool:
    """Say whether a person looks at the answer, in a tab or in a frame."""
    destination = headers.get("sec-fetch-dest")
    if destination is not None:
        return destination in ("document", "iframe", "frame")
    return "text/html" in headers.get("accept", "")


def is_preflight(method: str, headers: Headers) -> bool:
    """Say whether a browser asks, without any cookie, if a page may send something."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def _same_session(origin: str | None, origins: Origins, address: Address) -> bool:
    return same_session(origin, origins, address) is not None


def _origin_in(referer: str | None) -> str | None:
    if referer is None:
        return None
    scheme, separator, rest = referer.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if separator else None


def _foreign() -> Forbidden:
    return Forbidden("This request came from another site and was refused.", code="cross_origin")
