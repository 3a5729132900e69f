"""Giving files back to the ids that they stand for."""

import os
from pathlib import Path

import pytest

from bunkhouse.sandboxes.owners import give_back, inside

SPAN = "0:2000000:65536"


def test_only_ids_of_the_range_change() -> None:
    found = [inside(number, SPAN) for number in (0, 1000, 1999999, 2000000, 2001000, 2065536)]
    assert found == [0, 1000, 1999999, 0, 1000, 2065536]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_links_are_given_back_themselves_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("not ours")
    os.chown(outside / "file", 2_001_000, 2_001_000)
    layer = tmp_path / "layer"
    (layer / "deep").mkdir(parents=True)
    (layer / "deep" / "folder").symlink_to(outside)
    (layer / "deep" / "file").symlink_to(outside / "file")
    for path in (layer / "deep" / "folder", layer / "deep" / "file", layer / "deep"):
        os.chown(path, 2_001_000, 2_000_000, follow_symlinks=False)
    assert give_back(str(layer), SPAN, SPAN) == 3
    assert give_back(str(layer), SPAN, SPAN) == 0
    for path in (layer / "deep" / "folder", layer / "deep" / "file", layer / "deep"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (1000, 0)
    assert (outside / "file").stat().st_uid == 2_001_000
