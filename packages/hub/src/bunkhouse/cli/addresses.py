"""How the hub is reached: by people in a browser, and by programs on its machine."""

import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from bunkhouse.addresses import hub_origin
from bunkhouse.errors import Unavailable
from bunkhouse.settings import Settings


def listen(host: str, port: int) -> socket.socket:
    """Take the hub's port; 0 takes a free one.

    Raises:
        Unavailable: the port is in use, is not for us, or the host is none of ours.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(address[:2], family=family, backlog=1024)
    except OverflowError as error:
        raise Unavailable(f"There is no port {port}.", remedy="Use 1 to 65535.") from error
    except OSError as error:
        reasons = {98: "is in use", 13: "is not for this user"}
        if error.errno in reasons:
            raise Unavailable(
                f"Port {port} {reasons[error.errno]}.",
                remedy="Choose another with --port or BUNKHOUSE_PORT (0 takes a free one).",
                code="port_in_use" if error.errno == 98 else None,
            ) from error
        raise Unavailable(
            f"The hub can't listen on {host}: {error.strerror}.",
            remedy="Give an address of this machine with --host.",
        ) from error
    # What is accepted inherits it. asyncio would set it by itself, but not on the connections of a
    # socket that does not name its protocol; small answers would wait for acknowledgements.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def listen_where_free(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Take those of `ports` that can be taken; others are somebody's else."""
    taken: list[socket.socket] = []
    for port in ports:
        with contextlib.suppress(Unavailable):
            taken.append(listen(host, port))
    return taken


def for_programs(listening: socket.socket) -> str:
    """Give the URL by which programs on this machine reach a listening hub."""
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


def for_people(settings: Settings, url: str | None = None) -> str:
    """Give the URL that people open. `url` is where the hub really listens, if it does.

    Loopback is called `bunkhouse.localhost`, since names below it can be origins of their own.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return hub_origin(settings, urlsplit(url).port if url else None)
