"""Paths and ports inside every sandbox: both sides, the image and the docs rely on them."""

RUN_DIR = "/run/bunkhouse"
"""The folder that a local engine mounts from the hub's machine; it holds the two sockets."""

HUB_SOCKET = f"{RUN_DIR}/hub.sock"
"""The hub listens here; everything that leaves a sandbox goes through it."""

GATEWAY_SOCKET = f"{RUN_DIR}/gateway.sock"
"""The sandbox listens here; everything that comes in goes through it."""

STREAMS_SOCKET = f"{RUN_DIR}/streams.sock"
"""The sandbox listens here too, for streams to its ports (see `bunkhouse_protocol.gateway`)."""

WORKSPACE = "/workspace"
"""The session's files. The agent works here."""

STATE_DIR = "/var/lib/bunkhouse"
"""What the runner must not forget: its spool and the commands that it has seen. Root's alone."""

AGENT_USER = "agent"
"""The Unix user as whom the agent, and people in the sandbox, work. May use `sudo` inside it."""

HUB_PORT = 3128
"""On loopback: plain bytes to and from the hub, for programs that can't dial a Unix socket."""

RELAY_PORT = 3129
"""On loopback: where every outgoing TCP connection of the sandbox is redirected to."""

DNS_PORT = 5353
"""On loopback: where every DNS question of the sandbox is redirected to."""

REFUSED_UDP_PORT = 5354
"""On loopback: where the holder reports datagrams that it saw and that go nowhere."""

AGENT_PORT = 4096
"""On loopback: the agent's own HTTP server."""

BROWSER_PORT = 9222
"""On loopback: the browser's remote debugging; the first connection starts the desktop."""

BROWSER_INNER_PORT = 9223
"""On loopback: where the browser itself listens, behind `BROWSER_PORT`."""

OWN_PORTS = frozenset(
    {HUB_PORT, RELAY_PORT, DNS_PORT, REFUSED_UDP_PORT, AGENT_PORT, BROWSER_PORT, BROWSER_INNER_PORT}
)
"""Bunkhouse's own: neither listed among the sandbox's ports nor to be reached from outside."""

GALLERY_HOST = "open-vsx.org"
"""Where VS Code (code-server) looks for extensions."""

DOORS_PREFIX = "/sandbox"
"""Path under which the hub serves sandboxes: `/link`, `/models/…`, `/git/…`, `/egress`."""

ENV_TOKEN = "BUNKHOUSE_SANDBOX_TOKEN"  # noqa: S105 - the variable's name, not a secret
"""Environment variable of the runner: the sandbox's own token, its only credential."""

ENV_SESSION = "BUNKHOUSE_SESSION"
"""Environment variable of the runner: the session's id, by which it knows files that were another
session's."""

ENV_HUB_URL = "BUNKHOUSE_HUB_URL"
"""Environment variable of the runner: the hub's URL; unset where `HUB_SOCKET` is mounted."""
