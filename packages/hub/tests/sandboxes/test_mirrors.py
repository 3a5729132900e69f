"""What is taken over from this machine."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bunkhouse.sandboxes import mirrors
from bunkhouse.sandboxes.apt_sources import AptSource, debian_sources
from bunkhouse.sandboxes.certificates import added_certificates
from bunkhouse.sandboxes.mirrors import HostConfiguration, pip_settings, registry_hosts

PLAIN = HostConfiguration(None, (), (), "https://npm.test/", (), ())


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_apt_in_both_formats_and_of_debian_alone(tmp_path: Path) -> None:
    _write(
        tmp_path / "sources.list",
        "# deb http://old.test/debian bookworm main\n"
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        "https://user:secret@mirror.test/debian/ bookworm main contrib # here\n"
        "deb-src http://mirror.test/debian bookworm main\n"
        "deb http://mirror.test/debian trixie main\n",
    )
    _write(
        tmp_path / "sources.list.d/debian.sources",
        "Types: deb deb-src\n# a comment\nURIs: http://sec.test/debian-security\n"
        "Suites: bookworm-security\n bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://off.test/debian\nSuites: bookworm\nComponents: main\n"
        "Enabled: no\n",
    )
    _write(
        tmp_path / "sources.list.d/other.list",
        "deb [arch=amd64 signed-by=/etc/apt/keyrings/other.asc] https://other.test/debian "
        "bookworm main\ndeb https://third.test/apt bookworm stable\n"
        "deb file:/srv/mirror bookworm main\n",
    )
    _write(tmp_path / "sources.list.d/kept.list.save", "deb http://gone.test bookworm main\n")
    assert debian_sources(tmp_path) == [
        AptSource("https://mirror.test/debian", ("bookworm",), ("main",)),
        AptSource(
            "http://sec.test/debian-security", ("bookworm-security", "bookworm-updates"), ("main",)
        ),
    ]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    source = AptSource("http://mirror.test/debian", ("bookworm", "bookworm-updates"), ("main",))
    files = HostConfiguration(None, (), (), None, (source,), ()).files()
    _write(tmp_path / "sources.list.d/x.sources", files["etc/apt/sources.list.d/debian.sources"])
    assert debian_sources(tmp_path) == [source]


def test_pip_settings_from_files_and_environment(tmp_path: Path) -> None:
    _write(tmp_path / "xdg/pip/pip.conf", "[global]\nindex-url = https://wide.test/simple\n")
    _write(
        tmp_path / "home/.config/pip/pip.conf",
        "[global]\nindex_url = https://near.test/simple\nextra-index-url =\n"
        "  https://u:p@extra.test/simple\n  file:///srv/wheels\n"
        "[install]\ntrusted-host = near.test\n",
    )
    environ = {"XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "HOME": str(tmp_path / "home")}
    settings = pip_settings(environ)
    assert settings["index-url"] == "https://near.test/simple"
    assert settings["trusted-host"] == "near.test"
    settings = pip_settings(environ | {"PIP_INDEX_URL": "https://now.test/simple"})
    assert settings["index-url"] == "https://now.test/simple"
    host = mirrors.host_configuration(environ)
    assert host.pip_extra_indexes == ("https://extra.test/simple",)


def test_files_for_the_image() -> None:
    assert set(PLAIN.files()) == {"usr/local/etc/npmrc"}
    host = HostConfiguration(
        pip_index="https://a.test/simple",
        pip_extra_indexes=("https://b.test/simple", "https://c.test/simple"),
        pip_trusted_hosts=("a.test",),
        npm_registry="https://npm.test/",
        apt=(),
        certificates=("one\n", "two\n"),
    )
    files = host.files()
    assert files["usr/local/etc/npmrc"] == "registry=https://npm.test/\n"
    assert files["usr/local/share/ca-certificates/host-1.crt"] == "two\n"
    assert "index-url = https://a.test/simple\n" in files["etc/xdg/pip/pip.conf"]
    assert "b.test/simple\n  https://c.test/simple\n" in files["etc/xdg/pip/pip.conf"]
    assert 'index-url = "https://a.test/simple"' in files["etc/uv/uv.toml"]
    assert all(not path.startswith("/") for path in files)


CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def test_certificates_that_were_added(tmp_path: Path) -> None:
    usual, added, own = (CERTIFICATE.format(name) for name in ("usual", "added", "own"))
    system = _write(tmp_path / "bundle.crt", usual)
    _write(tmp_path / "local/company/root.crt", f"Company root\r\n{added}")
    _write(tmp_path / "local/readme.txt", own)
    theirs = _write(tmp_path / "pip-bundle.pem", usual + own + added)
    environ = {"PIP_CERT": str(theirs), "SSL_CERT_FILE": str(system), "CURL_CA_BUNDLE": "/nowhere"}
    found = added_certificates(environ, (tmp_path / "local",), (system,))
    assert found == sorted([added, own])
    assert added_certificates({}, (tmp_path / "nothing",), (system,)) == []


@pytest.fixture
def registry() -> Iterator[str]:
    """A package index that links to another host for its files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'<a href="https://files.test/packages/pip-1.whl#sha256=0">pip</a>'
            if "npm" in self.path:
                tarball = "https://tarballs.test/npm/-/npm-1.tgz"
                body = json.dumps({"dist": {"tarball": tarball}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_hosts_that_are_configured_and_that_they_link_to(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = HostConfiguration(
        f"{registry}/simple",
        ("https://extra.invalid/simple",),
        (),
        f"{registry}/npm/",
        (AptSource("http://deb.test/debian", ("bookworm",), ("main",)),),
        (),
    )
    monkeypatch.setattr(mirrors, "host_configuration", lambda: host)
    registry_hosts.cache_clear()
    assert registry_hosts() == [
        "127.0.0.1",
        "deb.test",
        "extra.invalid",
        "files.test",
        "tarballs.test",
    ]
    registry_hosts.cache_clear()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_of_this_machine_is_asked() -> None:
    asked = subprocess.run(
        ["npm", "config", "get", "registry"], capture_output=True, text=True, check=True, cwd="/"
    )
    found = mirrors.host_configuration().npm_registry
    assert found is not None
    assert found.rstrip("/") == asked.stdout.strip().rstrip("/")
