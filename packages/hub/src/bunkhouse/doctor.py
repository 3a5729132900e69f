"""`bunkhouse doctor`: what works here, what does not hold, and how to mend it.

It looks and changes nothing. Each finding stands by itself; an engine that is down takes away only
those that are about the engine.
"""

import asyncio
import errno
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx2

from bunkhouse.addresses import hub_origin
from bunkhouse.broker.models.providers import Providers
from bunkhouse.errors import BunkhouseError
from bunkhouse.people.admission import Rules, SignUp
from bunkhouse.people.signin.configured import configured
from bunkhouse.people.signin.provider import Kind, Provider
from bunkhouse.people.signin.refusals import OtherIssuer, ProviderDown
from bunkhouse.sandboxes.engine import EngineInfo, find_engine, inspect_engine
from bunkhouse.sandboxes.images import Images
from bunkhouse.sandboxes.mirrors import host_configuration
from bunkhouse.settings import Settings

Status = Literal["ok", "warn", "fail"]

GIBIBYTE = 1024**3
ROOMY_BYTES = 10 * GIBIBYTE
"""Free disk below which the image and some sandboxes may not fit."""
LEAST_NODE = 20
_HUB_SECONDS = 2.0
_MARKS: dict[Status, str] = {"ok": "✓", "warn": "!", "fail": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    id: str
    """For machines: `engine`, `limits`, …"""
    title: str
    status: Status
    """`warn`: Bunkhouse works, but something does not hold or is near its end."""
    detail: str
    remedy: str | None = None


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything, most of it at once; longest for a provider that keeps silent."""
    checks: list[Awaitable[list[Finding]]] = [
        asyncio.to_thread(_programs),
        _engine(settings),
        asyncio.to_thread(_disk, settings),
        _port(settings),
        asyncio.to_thread(_models, settings),
        _sign_in(settings),
        asyncio.to_thread(_mirrors),
    ]
    return [finding for findings in await asyncio.gather(*checks) for finding in findings]


def render(findings: Sequence[Finding], *, as_json: bool = False) -> str:
    """For the terminal, or as a JSON list of objects with the fields of `Finding`."""
    if as_json:
        return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
    width = max((len(finding.title) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.status]} {finding.title:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':<{width + 4}}→ {finding.remedy}")
    return "\n".join(lines)


def works(findings: Iterable[Finding]) -> bool:
    """Whether nothing is in the way of running sessions."""
    return all(finding.status != "fail" for finding in findings)


# ── programs ─────────────────────────────────────────────────────────────────────────────────


def _programs() -> list[Finding]:
    return [
        Finding("python", "Python", "ok", f"{platform.python_version()} ({sys.executable})"),
        _git(),
        _node(),
    ]


def _git() -> Finding:
    said = _version_of("git")
    if said is None:
        return Finding(
            "git",
            "git",
            "fail",
            "missing: repositories can't be cloned.",
            "Install it: apt-get install git (as root).",
        )
    return Finding("git", "git", "ok", said.removeprefix("git version "))


def _node() -> Finding:
    """Only the page's build needs it, and a wheel carries the page built."""
    said = _version_of("node")
    number = (said or "").removeprefix("v").partition(".")[0]
    if number.isdigit() and int(number) >= LEAST_NODE:
        return Finding("node", "Node.js", "ok", str(said).removeprefix("v"))
    found = f"{said} is too old" if said else "none"
    if (Path(__file__).parent / "_client" / "index.html").exists():
        return Finding("node", "Node.js", "ok", f"{found}, and none is needed: the page is built.")
    return Finding(
        "node",
        "Node.js",
        "warn",
        f"{found}; the page is not built yet.",
        "`make run` builds it, with a Node.js of its own where this machine has none.",
    )


def _version_of(program: str) -> str | None:
    if shutil.which(program) is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


# ── the engine ───────────────────────────────────────────────────────────────────────────────


async def _engine(settings: Settings) -> list[Finding]:
    try:
        info = await inspect_engine(await find_engine(settings))
    except BunkhouseError as error:
        return [Finding("engine", "Container engine", "fail", error.message, error.remedy)]
    where = f"{info.address.url}, {info.address.found}"
    return [
        Finding("engine", "Container engine", "ok", f"{info.label} ({where})"),
        *what_holds(info, settings),
        await _image(info, settings),
    ]


def what_holds(info: EngineInfo, settings: Settings) -> list[Finding]:
    """What of the walls around a sandbox stands with such an engine."""
    return [_limits(info), _user_namespaces(info), _egress(info, settings)]


def _limits(info: EngineInfo) -> Finding:
    if info.limits:
        detail = f"memory, processors and processes are held (cgroups v{info.cgroup_version})."
        return Finding("limits", "Limits of sandboxes", "ok", detail)
    return Finding(
        "limits",
        "Limits of sandboxes",
        "warn",
        f"{info.label} does not hold all of them here: a sandbox may take the whole machine.",
        "Use an engine that runs as root, or a machine with cgroups v2.",
    )


def _user_namespaces(info: EngineInfo) -> Finding:
    title = "Users of sandboxes"
    if info.user_namespaces:
        return Finding(
            "user_namespaces", title, "ok", "each sandbox has a range of user ids of its own."
        )
    if info.rootless:
        return Finding(
            "user_namespaces",
            title,
            "warn",
            "root in every sandbox is the engine's own user outside, held by the container alone.",
            "Use Podman as root (`make engine` installs one) for user ids of their own.",
        )
    remedy = "Use Podman as root in place of Docker: BUNKHOUSE_ENGINE names its socket."
    if info.name == "podman":
        remedy = (
            "Add a line `containers:2147483648:67108864` to /etc/subuid and to /etc/subgid, "
            "and start the engine again."
        )
    return Finding(
        "user_namespaces",
        title,
        "warn",
        "root in a sandbox has the user id of the engine's root, with few of its capabilities.",
        remedy,
    )


def _egress(info: EngineInfo, settings: Settings) -> Finding:
    title = "What sandboxes may reach"
    if info.in_vm or settings.hub_url_for_sandboxes:
        why = "The engine runs on another machine or in a virtual one"
        if not info.in_vm:
            why = "BUNKHOUSE_HUB_URL_FOR_SANDBOXES is set"
        return Finding(
            "egress",
            title,
            "warn",
            f"anything. {why}, so sandboxes have an ordinary network, which no policy holds.",
            "Run the hub on the Linux machine of the engine, where it mounts its socket.",
        )
    policy = {
        "open": "anything public, through the hub",
        "allowlist": "listed names alone, through the hub",
        "off": "nothing",
    }[settings.egress]
    if info.rootless:
        return Finding(
            "egress",
            title,
            "warn",
            f"{policy}; where this engine may not redirect connections, nothing at all.",
            "Use an engine that runs as root if sandboxes can't install packages.",
        )
    return Finding("egress", title, "ok", f"{policy}; they have no network of their own.")


async def _image(info: EngineInfo, settings: Settings) -> Finding:
    title = "Sandbox image"
    try:
        async with info.address.connect() as docker:
            images = Images(docker, settings.data_dir, given=settings.image)
            status = await images.status()
    except BunkhouseError as error:
        return Finding("image", title, "fail", error.message, error.remedy)
    if status.state == "ready":
        return Finding("image", title, "ok", f"ready ({settings.image or status.key})")
    if settings.image:
        return Finding(
            "image",
            title,
            "fail",
            f"the engine does not have {settings.image}, which BUNKHOUSE_IMAGE names.",
            "Pull or build it, or unset BUNKHOUSE_IMAGE to have one built here.",
        )
    return Finding(
        "image",
        title,
        "warn",
        "not built yet; sessions wait for it.",
        "The hub builds it when it starts; `bunkhouse image build` does so now.",
    )


# ── this machine ─────────────────────────────────────────────────────────────────────────────


def _disk(settings: Settings) -> list[Finding]:
    folder = settings.data_dir.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    free = shutil.disk_usage(existing).free
    room = f"{free / GIBIBYTE:.1f} GiB free"
    data = Finding("data_dir", "Data folder", "ok", str(folder))
    if not writable:
        data = Finding(
            "data_dir",
            "Data folder",
            "fail",
            f"{existing} can't be written to by this user.",
            "Change its owner, or set BUNKHOUSE_DATA_DIR to another folder.",
        )
    disk = Finding("disk", "Disk", "ok", f"{room} at {existing}")
    if free < settings.min_free_bytes:
        disk = Finding(
            "disk",
            "Disk",
            "fail",
            f"{room} at {existing}: too little to begin new work.",
            "Delete sessions that are done, or make room on that disk.",
        )
    elif free < ROOMY_BYTES:
        disk = Finding(
            "disk",
            "Disk",
            "warn",
            f"{room} at {existing}; the image and a few sandboxes take some 5 GiB.",
            "Make room before it is needed.",
        )
    return [data, disk]


async def _port(settings: Settings) -> list[Finding]:
    """Whether a hub answers on the port, it is free, or something else has it."""
    title = "Port"
    if settings.port == 0:
        return [Finding("port", title, "ok", "any free one")]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - what to ask, not where to listen
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{settings.port}"
    try:
        async with httpx2.AsyncClient(timeout=_HUB_SECONDS, trust_env=False) as client:
            answer = (await client.get(f"{url}/api/health")).json()
        return [Finding("port", title, "ok", f"a hub answers at {url} ({answer['version']})")]
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        trouble = _cannot_listen(settings.host, settings.port)
        if trouble is None:
            return [Finding("port", title, "ok", f"{settings.port} is free")]
        if trouble != errno.EADDRINUSE:
            detail = f"the hub can't listen on {settings.host}:{settings.port}: "
            detail += f"{os.strerror(trouble).lower()}."
            return [Finding("port", title, "fail", detail, "Set BUNKHOUSE_HOST, BUNKHOUSE_PORT.")]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        pass
    return [
        Finding(
            "port",
            title,
            "fail",
            f"something else listens on {settings.host}:{settings.port}.",
            "End it, or set BUNKHOUSE_PORT (or `bunkhouse serve --port`) to another.",
        )
    ]


def _cannot_listen(host: str, port: int) -> int | None:
    """The error number of trying to; None where it works."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((host, port))
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


# ── what it works with ───────────────────────────────────────────────────────────────────────


def _models(settings: Settings) -> list[Finding]:
    providers = Providers(settings).all()
    on = [provider.name for provider in providers if provider.enabled]
    real = [provider for provider in providers if provider.enabled and not provider.scripted]
    if real:
        return [Finding("models", "Model providers", "ok", ", ".join(on))]
    keys = [provider.key_variable for provider in providers if provider.key_variable]
    return [
        Finding(
            "models",
            "Model providers",
            "warn" if on else "fail",
            f"{', '.join(on) or 'none'}; no model that thinks.",
            f"Set {' or '.join(keys)} in the hub's environment or .env, or OPENAI_BASE_URL to a "
            "server of your own.",
        )
    ]


_NEWCOMERS: dict[SignUp, str] = {
    "open": "everybody who has an account there",
    "invited": "whoever is invited",
    "domains": "verified addresses of listed domains",
    "listed": "verified addresses on the list",
    "closed": "nobody",
}
_BY_PAGE = "the one-time link, and the GitHub App where one was set up in Settings"
_WHERE_IT_IS: dict[Kind, str] = {
    "github": "BUNKHOUSE_GITHUB_URL",
    "google": "BUNKHOUSE_GOOGLE_ISSUER",
    "oidc": "BUNKHOUSE_OIDC_ISSUER",
}


async def _sign_in(settings: Settings) -> list[Finding]:
    title = "Sign-in"
    try:
        providers = configured(settings)
        rules = Rules.of(settings)
    except BunkhouseError as error:
        return [Finding("sign_in", title, "fail", error.message, error.remedy)]
    if not providers:
        return [Finding("sign_in", title, "ok", _BY_PAGE)]
    names = ", ".join(provider.name for provider in providers)
    detail = f"{names}; new people: {_NEWCOMERS[rules.sign_up]}"
    return [
        Finding("sign_in", title, "ok", detail),
        *await asyncio.gather(*(_answers(provider, settings) for provider in providers)),
    ]


async def _answers(provider: Provider, settings: Settings) -> Finding:
    """Whether a provider is there. Whether it takes our secret shows when somebody signs in."""
    key, title = f"sign_in_{provider.key}", f"Sign-in: {provider.name}"
    try:
        await provider.check()
    except OtherIssuer as error:
        return Finding(
            key,
            title,
            "warn",
            f"{provider.issuer} calls itself {error.called[:200]!r}: nobody can sign in with it.",
            f"If that is whom you mean, set {_WHERE_IT_IS[provider.key]} to exactly that.",
        )
    except ProviderDown:
        return Finding(
            key,
            title,
            "warn",
            f"{provider.issuer} does not answer: nobody can sign in with it.",
            "See that this machine reaches it and trusts its certificate (SSL_CERT_FILE).",
        )
    except BunkhouseError:
        return Finding(
            key,
            title,
            "warn",
            f"{provider.issuer} answers, but not as what it should be: nobody can sign in with it.",
            f"Set {_WHERE_IT_IS[provider.key]} to where the provider is.",
        )
    # Without a port of its own the hub's address is known only when it runs.
    origin = hub_origin(settings) if settings.public_url or settings.port else ""
    back = f"{origin}/sign-in/{provider.key}/callback"
    return Finding(key, title, "ok", f"{provider.issuer} answers; register {back} there")


def _mirrors() -> list[Finding]:
    host = host_configuration()
    places: list[tuple[str, list[str]]] = [
        ("pip", [url for url in (host.pip_index, *host.pip_extra_indexes) if url]),
        ("npm", [host.npm_registry] if host.npm_registry else []),
        ("apt", list(dict.fromkeys(source.uri for source in host.apt))),
    ]
    detail = "; ".join(f"{name}: {_hosts(urls)}" for name, urls in places)
    if host.certificates:
        count = len(host.certificates)
        detail += f"; {count} certificate{'s' if count > 1 else ''} of this machine's own"
    return [Finding("packages", "Package sources", "ok", detail)]


def _hosts(urls: list[str]) -> str:
    names = dict.fromkeys(urlsplit(url).hostname or url for url in urls)
    return ", ".join(names) or "its own default"
