"""The certificate authorities that this machine trusts beyond the usual ones.

Mirrors inside a company are often signed by an authority of its own. What the administrator of this
machine added to it, the image trusts too.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ADDED = (
    Path("/usr/local/share/ca-certificates"),  # Debian, Ubuntu, Alpine
    Path("/etc/pki/ca-trust/source/anchors"),  # Fedora, Red Hat
    Path("/etc/ca-certificates/trust-source/anchors"),  # Arch
)
SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
"""Each may name a bundle that some program here trusts in place of the system's, or besides it."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def added_certificates(
    environ: Mapping[str, str] = os.environ,
    folders: tuple[Path, ...] = ADDED,
    system: tuple[Path, ...] = SYSTEM_BUNDLES,
) -> list[str]:
    """PEM texts, one certificate each, sorted, without repeats.

    All of the folders for added ones, and of the bundles that the environment names those that the
    system's bundle has not. What can't be read is left out: programs here can't use it either.
    """
    found: set[str] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".crt", ".pem", ".cer"):
                found.update(_certificates(path))
    bundles = {Path(environ[name]).resolve() for name in VARIABLES if environ.get(name)}
    usual = [path for path in system if path.exists()]
    others = bundles - {path.resolve() for path in usual}
    if others:
        known = {certificate for path in usual for certificate in _certificates(path)}
        for path in others:
            found.update(set(_certificates(path)) - known)
    return sorted(found)


def _certificates(path: Path) -> Iterator[str]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    for match in _PEM.finditer(text):
        yield "\n".join(line.strip() for line in match[0].splitlines()) + "\n"
