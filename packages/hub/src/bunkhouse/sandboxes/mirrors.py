"""What this machine is configured with to get packages: for the image, and for what may be reached.

Nothing here names a registry: pip, npm and apt of this machine are asked. Credentials in a mirror's
URL are left out, since no real credential enters a sandbox; such a mirror must let the machine in
without them.
"""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx2

from bunkhouse.sandboxes.apt_sources import AptSource, debian_sources
from bunkhouse.sandboxes.certificates import added_certificates

_PIP_DEFAULTS = (
    "from pip._internal.models.index import PyPI as p; print(p.simple_url, p.file_storage_domain)"
)
_ASK_SECONDS = 20
_LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class HostConfiguration:
    """What the image takes over from this machine."""

    pip_index: str | None
    """None: pip's own default."""
    pip_extra_indexes: tuple[str, ...]
    pip_trusted_hosts: tuple[str, ...]
    npm_registry: str | None
    """None: there is no npm here to ask."""
    apt: tuple[AptSource, ...]
    """Empty where this machine is no Debian of the image's release."""
    certificates: tuple[str, ...]

    def files(self) -> dict[str, str]:
        """Configuration files for the image, by path without the leading slash."""
        files = {"usr/local/etc/npmrc": f"registry={self.npm_registry}\n"}
        if self.npm_registry is None:
            files = {"usr/local/etc/npmrc": ""}
        for number, certificate in enumerate(self.certificates):
            files[f"usr/local/share/ca-certificates/host-{number}.crt"] = certificate
        if self.apt:
            stanzas = "\n".join(source.stanza() for source in self.apt)
            files["etc/apt/sources.list.d/debian.sources"] = stanzas
        pip = {
            "index-url": self.pip_index,
            "extra-index-url": "\n  ".join(self.pip_extra_indexes),
            "trusted-host": "\n  ".join(self.pip_trusted_hosts),
        }
        if lines := [f"{name} = {value}" for name, value in pip.items() if value]:
            # pip reads this one besides /etc/pip.conf, which is the image's own.
            files["etc/xdg/pip/pip.conf"] = "\n".join(["[global]", *lines, ""])
        uv = {"index-url": self.pip_index, "extra-index-url": list(self.pip_extra_indexes)}
        if lines := [f"{name} = {json.dumps(value)}" for name, value in uv.items() if value]:
            files["etc/uv/uv.toml"] = "\n".join([*lines, ""])
        return files


def host_configuration(environ: Mapping[str, str] = os.environ) -> HostConfiguration:
    """Read it. Blocking: npm is started (0.3 s)."""
    pip = pip_settings(environ)
    return HostConfiguration(
        pip_index=next(iter(_remote(pip.get("index-url", ""))), None),
        pip_extra_indexes=_remote(pip.get("extra-index-url", "")),
        pip_trusted_hosts=tuple(pip.get("trusted-host", "").split()),
        npm_registry=next(iter(_remote(_ask("npm", "config", "get", "registry"))), None),
        apt=tuple(debian_sources()),
        certificates=tuple(added_certificates(environ)),
    )


def pip_settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """pip's settings as it would take them: files from the widest to the nearest, then `PIP_*`."""
    home = Path(environ.get("HOME", "/"))
    paths = [
        *(Path(part) / "pip/pip.conf" for part in _list(environ, "XDG_CONFIG_DIRS", "/etc/xdg")),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf",
        *(Path(part) for part in _list(environ, "PIP_CONFIG_FILE", "")),
    ]
    settings: dict[str, str] = {}
    for path in paths:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(path.read_text())
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings |= {name.replace("_", "-"): v for name, v in parser.items(section)}
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


@cache
def registry_hosts() -> list[str]:
    """Names of the hosts from which pip, npm and apt of this machine and of its sandboxes get
    packages: those that they are configured with or have built in, and those they link to.

    Blocking: starts pip's Python and npm, and reads two index pages (1 s; at most some 30 s where
    nothing answers). The answer is kept.
    """
    host = host_configuration()
    default_index, _, default_files = _pip_defaults().partition(" ")
    indexes = [host.pip_index or default_index, *host.pip_extra_indexes]
    urls = [*indexes, *(source.uri for source in host.apt), host.npm_registry or ""]
    hosts = [_host(url) for url in urls]
    if host.pip_index in (None, default_index):
        hosts.append(default_files)
    for index in indexes:
        hosts += _linked_hosts(f"{index.rstrip('/')}/pip/" if index else "")
    if host.npm_registry:
        hosts += _linked_hosts(f"{host.npm_registry.rstrip('/')}/npm/latest")
    return sorted({name for name in hosts if name})


def _linked_hosts(url: str) -> Iterable[str]:
    """Hosts of the package files that an index page, HTML or JSON, links to."""
    if not url:
        return set()
    try:
        page = httpx2.get(url, timeout=_LOOK_SECONDS, follow_redirects=True)
    except (httpx2.HTTPError, OSError):
        return set()
    pattern = r"""["'](https?://[^"'\s]+?\.(?:whl|tgz|tar\.gz|zip))[#"']"""
    return {_host(link) for link in re.findall(pattern, page.text)} | {page.url.host}


def _pip_defaults() -> str:
    """pip's own index and the host of that one's files, from the first Python here with pip."""
    for python in dict.fromkeys((sys.executable, "/usr/bin/python3", "python3")):
        if answer := _ask(python, "-c", _PIP_DEFAULTS):
            return answer
    for wheel in sorted(Path("/usr/share/python-wheels").glob("pip-*.whl")):
        if answer := _ask(sys.executable, "-c", _PIP_DEFAULTS, PYTHONPATH=str(wheel)):
            return answer
    return ""


def _ask(*argv: str, **more_environment: str) -> str:
    """What a program says, in one line; nothing where it is missing or fails."""
    if shutil.which(argv[0]) is None:
        return ""
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",  # a folder without a project's own configuration
            timeout=_ASK_SECONDS,
            env={**os.environ, **more_environment},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _remote(urls: str) -> tuple[str, ...]:
    """Of URLs separated by blanks those on the network and beyond this machine, plain."""
    kept: list[str] = []
    for url in urls.split():
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            kept.append(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
    return tuple(kept)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _list(environ: Mapping[str, str], name: str, default: str) -> list[str]:
    return [part for part in environ.get(name, default).split(":") if part]
