"""The recipe: what goes into its key, and what is sent."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from bunkhouse.errors import Unavailable
from bunkhouse.sandboxes import recipe as module
from bunkhouse.sandboxes.recipe import read_recipe, source_folder

HOST = {"etc/xdg/pip/pip.conf": "[global]\nindex-url = https://mirror.test/simple\n"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the recipe reads of this checkout."""
    root = source_folder()
    ignore = shutil.ignore_patterns("__pycache__", "tests")
    shutil.copytree(root / "sandbox", tmp_path / "sandbox", ignore=ignore)
    (tmp_path / "locks").mkdir()
    shutil.copy(root / "locks" / "runner.txt", tmp_path / "locks")
    for name in ("protocol", "runner"):
        shutil.copytree(root / "packages" / name, tmp_path / "packages" / name, ignore=ignore)
    return tmp_path


def test_the_same_files_give_the_same_key_and_bytes(checkout: Path) -> None:
    first = read_recipe(HOST, checkout)
    for path in checkout.rglob("*"):
        os.utime(path, (0, 0))
    (checkout / "sandbox" / "Containerfile").chmod(0o600)
    cached = checkout / "packages/runner/src/bunkhouse_runner/__pycache__"
    cached.mkdir()
    (cached / "x.pyc").write_bytes(b"compiled")
    second = read_recipe(HOST, checkout)
    assert first.key == second.key
    assert first.tar() == second.tar()


@pytest.mark.parametrize(
    "changed",
    [
        "sandbox/Containerfile",
        "sandbox/home/.bashrc",
        "sandbox/rootfs/etc/gitconfig",
        "sandbox/build/npm.lock",
        "locks/runner.txt",
        "packages/runner/src/bunkhouse_runner/__init__.py",
        "packages/protocol/src/bunkhouse_protocol/link.py",
    ],
)
def test_a_change_of_any_part_gives_another_key(checkout: Path, changed: str) -> None:
    before = read_recipe(HOST, checkout).key
    with (checkout / changed).open("a") as file:
        file.write("\n# changed\n")
    assert read_recipe(HOST, checkout).key != before


def test_a_change_of_this_machine_gives_another_key(checkout: Path) -> None:
    before = read_recipe(HOST, checkout).key
    assert read_recipe({}, checkout).key != before
    more = HOST | {"usr/local/share/ca-certificates/host-0.crt": "another"}
    assert read_recipe(more, checkout).key != before


def test_what_is_sent(checkout: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(read_recipe(HOST, checkout).tar())) as archive:
        members = {member.name: member for member in archive}
    assert members["build/fetch-npm"].mode == 0o755
    assert members["home/.npmrc"].mode == 0o644
    for name in (
        "Containerfile",
        "locks/runner.txt",
        "runner/bunkhouse_runner/__init__.py",
        "runner/bunkhouse_protocol/places.py",
        "host/etc/xdg/pip/pip.conf",
    ):
        assert name in members
    assert [name for name in members if name.endswith(".dist-info/METADATA")]


def test_every_step_that_takes_time_has_a_title(checkout: Path) -> None:
    steps = read_recipe(HOST, checkout).steps
    text = (checkout / "sandbox" / "Containerfile").read_text()
    marked = [line for line in text.splitlines() if line.startswith("# step ")]
    assert len([step for step in steps if step.weight]) == len(marked)
    assert steps[0].weight == 0, "FROM"
    assert steps[-1].title == "Adding the runner"


def test_the_runner_is_the_last_thing_that_is_built(checkout: Path) -> None:
    """So that a change of its code builds nothing else anew."""
    lines = (checkout / "sandbox" / "Containerfile").read_text().splitlines()
    after = lines[lines.index("COPY runner/ /opt/bunkhouse/src/") + 1 :]
    assert [line.split()[0] for line in after if line.strip()] == ["RUN", "WORKDIR", "ENTRYPOINT"]


def test_without_a_checkout_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "a/b/c/d/e/recipe.py"))
    with pytest.raises(Unavailable, match="recipe"):
        source_folder()
