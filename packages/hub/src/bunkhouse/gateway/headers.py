"""What each side gets to see of the other's headers.

Names are lower case and values bytes, as ASGI has them; order and duplicates are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bunkhouse.gateway.origins import EDITOR, Address, Origins

Raw = list[tuple[bytes, bytes]]

_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_WRITTEN_ANEW = {b"host", b"cookie", b"content-length", b"forwarded", b"x-real-ip"}
_NOT_FOR_BROWSERS = {
    b"x-frame-options",  # it is shown in the hub's page; `frame-ancestors` says by whom
    b"clear-site-data",  # on a domain shared with the hub it would sign people out of that
    b"strict-transport-security",
    b"alt-svc",  # the way to the app is through the hub
    b"public-key-pins",
    b"date",  # the server says it
}
_EVENTS = b"text/event-stream"
_OURS = ("bunkhouse", "__host-bunkhouse", "__secure-bunkhouse")


@dataclass(frozen=True, slots=True)
class View:
    """An app as its origin shows it."""

    origins: Origins
    address: Address
    origin: str
    """The app's own, as browsers have it."""

    @property
    def inner(self) -> str:
        """The origin that the app is told to have."""
        return self.address.inner_origin or self.origin


def to_sandbox(view: View, raw: Iterable[tuple[bytes, bytes]], client: str | None) -> Raw:
    """Give a request's headers as the app gets them, without those that frame its body."""
    raw = list(raw)
    outer = urlsplit(view.origin)
    dropped = _HOP_BY_HOP | _WRITTEN_ANEW | _named_in_connection(raw)
    sent: Raw = [(b"host", urlsplit(view.inner).netloc.encode())]
    for name, value in raw:
        if name in dropped or name.startswith(b"x-forwarded-"):
            continue
        if name == b"origin":
            sent.append((name, _inner_origin(view, value)))
        elif name == b"referer" and value.startswith(f"{view.origin}/".encode()):
            sent.append((name, view.inner.encode() + value[len(view.origin) :]))
        else:
            sent.append((name, value))
    if cookies := foreign_cookies(raw):
        sent.append((b"cookie", cookies))
    sent.append((b"x-forwarded-host", outer.netloc.encode()))
    sent.append((b"x-forwarded-proto", outer.scheme.encode()))
    if client:
        sent.append((b"x-forwarded-for", client.encode()))
    return sent


def to_browser(view: View, raw: Iterable[tuple[bytes, bytes]]) -> Raw:
    """Give an answer's headers as the browser gets them, without those that frame its body."""
    raw = list(raw)
    dropped = _HOP_BY_HOP | _NOT_FOR_BROWSERS | _named_in_connection(raw)
    sent = [
        (name, rewritten)
        for name, value in raw
        if name not in dropped and (rewritten := _rewritten(view, name, value))
    ]
    sent.append((b"content-security-policy", ancestors(view.origins, view.address).encode()))
    if any(name == b"content-type" and value.startswith(_EVENTS) for name, value in raw):
        sent.append((b"x-accel-buffering", b"no"))
    return sent


def _rewritten(view: View, name: bytes, value: bytes) -> bytes:
    """Give a value as browsers get it; empty: they get none."""
    if name == b"set-cookie":
        return _kept_to_its_origin(view.origins, value)
    if name in (b"location", b"content-location"):
        return _outer_url(view, value)
    if name == b"access-control-allow-origin":
        return _outer_origin(view, value)
    if name in (b"content-security-policy", b"content-security-policy-report-only"):
        return _without_ancestors(value)
    return value or b" "


def ancestors(origins: Origins, address: Address) -> str:
    """Say who may show an app in a frame: the hub, the session's editor, the app itself."""
    editor = origins.origin_of(Address(address.session, EDITOR))
    allowed = " ".join(["'self'", *origins.hubs, *([editor] if editor else [])])
    return f"frame-ancestors {allowed}"


def foreign_cookies(raw: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Give the cookies of a request that are not the hub's: neither its own, nor the gateway's."""
    pairs = [pair.strip() for name, value in raw if name == b"cookie" for pair in value.split(b";")]
    return b"; ".join(pair for pair in pairs if pair and not _is_ours(pair))


def cookies_named(raw: Iterable[tuple[bytes, bytes]], name: str) -> list[str]:
    """Give the values of all cookies of that name."""
    begin = f"{name}=".encode()
    return [
        pair.strip()[len(begin) :].decode("latin-1")
        for key, value in raw
        if key == b"cookie"
        for pair in value.split(b";")
        if pair.strip().startswith(begin)
    ]


def _is_ours(pair: bytes) -> bool:
    return pair.partition(b"=")[0].strip().decode("latin-1").lower().startswith(_OURS)


def _named_in_connection(raw: Raw) -> set[bytes]:
    return {
        each.strip().lower()
        for name, value in raw
        if name == b"connection"
        for each in value.split(b",")
    }


def _inner_origin(view: View, value: bytes) -> bytes:
    """What the app is told of an origin: its own, and the session's ports', on loopback."""
    other = view.origins.address_of(value.decode("latin-1"))
    if view.address.app == EDITOR or other is None or other.session != view.address.session:
        return value
    return (other.inner_origin or view.origin).encode()


def _outer_origin(view: View, value: bytes) -> bytes:
    scheme, _, port = value.decode("latin-1").rpartition(":")
    if view.address.app == EDITOR or scheme != "http://localhost":
        return value
    return (view.origins.origin_of(Address(view.address.session, port)) or "").encode() or value


def _outer_url(view: View, value: bytes) -> bytes:
    if view.address.app == EDITOR:
        return value
    for name in ("localhost", "127.0.0.1", "[::1]"):
        inner = f"http://{name}:{view.address.app}".encode()
        if value.startswith(inner) and value[len(inner) :][:1] in (b"", b"/", b"?", b"#"):
            return view.origin.encode() + value[len(inner) :]
    return value


def _kept_to_its_origin(origins: Origins, value: bytes) -> bytes:
    """A cookie for this host alone, which frames may have too; nothing where it is named as ours.

    In a frame of the hub's page browsers keep only cookies with `SameSite=None`; that other sites'
    pages can't use them is seen to by `guard`.
    """
    pair, *attributes = [part.strip() for part in value.split(b";")]
    if _is_ours(pair) or not pair:
        return b""
    framed = origins.secure and not origins.shared_host
    replaced = {b"domain"} | ({b"samesite", b"secure", b"partitioned"} if framed else set[bytes]())
    kept = [each for each in attributes if each.partition(b"=")[0].strip().lower() not in replaced]
    return b"; ".join([pair, *kept, *([b"Secure; SameSite=None; Partitioned"] if framed else [])])


def _without_ancestors(value: bytes) -> bytes:
    policies = (
        b";".join(
            directive
            for directive in policy.split(b";")
            if not directive.strip().lower().startswith(b"frame-ancestors")
        )
        for policy in value.split(b",")
    )
    return b",".join(policy for policy in policies if policy.strip())
