"""Where this machine's apt gets Debian from: its sources, in both of their formats."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SUITE = "bookworm"
_WANTED = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<rest>.+)")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True, order=True)
class AptSource:
    """One place of packages."""

    uri: str
    """Without credentials."""
    suites: tuple[str, ...]
    components: tuple[str, ...]

    def stanza(self) -> str:
        """As `*.sources` files have it."""
        return (
            f"Types: deb\nURIs: {self.uri}\nSuites: {' '.join(self.suites)}\n"
            f"Components: {' '.join(self.components)}\nSigned-By: {KEYRING}\n"
        )


def debian_sources(etc: Path = Path("/etc/apt")) -> list[AptSource]:
    """Those of Debian itself in the suite of the image; none on another distribution or release.

    Not those of others, who name suites after Debian's too: Debian's are signed with its own keys
    and have the component `main`.
    """
    paths = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    found: list[AptSource] = []
    for path in paths:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if path.suffix == ".sources":
            found += _stanzas(text)
        elif path.suffix == ".list":
            found += _lines(text)
    return list(dict.fromkeys(found))


def _stanzas(text: str) -> Iterator[AptSource]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] += f" {line.strip()}"
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            for uri in fields.get("uris", "").split():
                yield from _source(
                    uri,
                    fields.get("suites", "").split(),
                    fields.get("components", "").split(),
                    fields.get("signed-by", ""),
                )


def _lines(text: str) -> Iterator[AptSource]:
    for line in text.splitlines():
        if match := _LINE.match(line.split("#")[0].strip()):
            signed_by = re.search(r"signed-by=(\S+)", match["options"] or "")
            suite, *components = match["rest"].split()
            yield from _source(match["uri"], [suite], components, signed_by[1] if signed_by else "")


def _source(
    uri: str, suites: list[str], components: list[str], signed_by: str
) -> Iterator[AptSource]:
    parts = urlsplit(uri)
    wanted = tuple(suite for suite in suites if suite in _WANTED)
    others = signed_by and "debian-archive" not in signed_by
    if parts.scheme in ("http", "https") and wanted and "main" in components and not others:
        plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        yield AptSource(plain.rstrip("/"), wanted, ("main",))
