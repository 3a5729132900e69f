"""What a person may give as a repository."""

from pathlib import Path

import pytest

from bunkhouse.broker.git import branches, parse, recall
from bunkhouse.errors import Forbidden, InvalidInput, NotFound

from .conftest import git, make


@pytest.mark.parametrize(
    ("text", "url", "name", "door"),
    [
        ("https://github.com/o/n", "https://github.com/o/n", "o/n", "github.com/o/n"),
        (" https://github.com/o/n.git/ ", "https://github.com/o/n.git", "o/n",
         "github.com/o/n.git"),
        ("https://github.com/o/n/tree/main/src?x=1#l", "https://github.com/o/n", "o/n",
         "github.com/o/n"),
        ("o/n.js", "https://github.com/o/n.js", "o/n.js", "github.com/o/n.js"),
        ("github.com/o/n", "https://github.com/o/n", "o/n", "github.com/o/n"),
        ("git@github.com:o/n.git", "https://github.com/o/n.git", "o/n", "github.com/o/n.git"),
        ("ssh://git@git.a.test:2222/o/n", "https://git.a.test/o/n", "o/n", "git.a.test/o/n"),
        ("http://git.a.test:3000/g/s/n", "http://git.a.test:3000/g/s/n", "s/n",
         "git.a.test-3000/g/s/n"),
        ("HTTPS://Git.A.test/o/n", "https://git.a.test/o/n", "o/n", "git.a.test/o/n"),
        ("https://a.test/~x/%C3%BC/n", "https://a.test/~x/%C3%BC/n", "ü/n", "a.test/x/C3-BC/n"),
        ("http://[::1]:3000/o/n", "http://[::1]:3000/o/n", "o/n", "1--3000/o/n"),
    ],
)  # fmt: skip
async def test_addresses(text: str, url: str, name: str, door: str) -> None:
    ref = await parse(text, person_is_admin=False, roots=[])
    assert (ref.kind, ref.url, ref.name, ref.door) == ("url", url, name, door)
    assert recall(ref.url) == ref


@pytest.mark.parametrize(
    "text",
    ["", "project", "./project", "ftp://a.test/x", "https://", "https://a.test", "ext::sh -c x",
     "https://a.test/../x", "https://a test/x", "o/n/m", "-upload-pack=x/y", "https://a.test:x/y",
     "a\nb/c", "javascript:alert(1)", "https://a.test/o/n\0"],
)  # fmt: skip
async def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await parse(text, person_is_admin=True, roots=[])
    assert caught.value.reason == "not_a_repository"
    assert "https://host/owner/name" in (caught.value.remedy or "")


async def test_no_passwords_in_addresses() -> None:
    for text in ("https://me:secret@a.test/o/n", "https://ghp_token@github.com/o/n"):
        with pytest.raises(InvalidInput) as caught:
            await parse(text, person_is_admin=True, roots=[])
        assert caught.value.reason == "credentials_in_url"
        assert "secret" not in str(caught.value) and "ghp" not in str(caught.value)


async def test_folders_of_admins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path / "project", 3)
    ref = await parse(str(project), person_is_admin=True, roots=[])
    assert (ref.kind, ref.url, ref.name, ref.door) == (
        "folder", str(project), "project", "folder/project",
    )  # fmt: skip
    assert recall(ref.url) == ref
    (tmp_path / "link").symlink_to(project)
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in (f"{project}/", f"file://{project}", str(tmp_path / "link"), "~/project"):
        assert await parse(text, person_is_admin=True, roots=[]) == ref
    bare = make(tmp_path / "bare.git", 3, bare=True)
    assert (await parse(str(bare), person_is_admin=True, roots=[])).name == "bare"


async def test_folders_that_are_none(tmp_path: Path) -> None:
    project = make(tmp_path / "project", 80)
    (tmp_path / "plain").mkdir()
    for path, words in (
        (tmp_path / "gone", "There is no folder"),
        (tmp_path / "plain", "is not a git repository"),
        (project / "folder-1", f"is a part of the repository {project}"),
    ):
        with pytest.raises(InvalidInput, match=words):
            await parse(str(path), person_is_admin=True, roots=[])
    with pytest.raises(InvalidInput):
        await parse("~nobody-here/x", person_is_admin=True, roots=[])


async def test_folders_of_others_are_below_the_roots(tmp_path: Path) -> None:
    allowed, secret = tmp_path / "allowed", tmp_path / "secret"
    project, hidden = make(allowed / "project", 3), make(secret / "project", 3)
    assert (await parse(str(project), person_is_admin=False, roots=[allowed])).name == "project"
    git("worktree", "add", "-q", str(allowed / "tree"), "early", cwd=hidden)
    (allowed / "link").symlink_to(hidden)
    (allowed / "file").mkdir()
    (allowed / "file" / ".git").write_text(f"gitdir: {hidden}/.git\n")
    (tmp_path / "allowed-too").symlink_to(hidden)
    for path in (
        hidden,
        allowed / "link",
        allowed / "tree",
        allowed / "file",
        allowed / ".." / "secret" / "project",
        tmp_path / "allowed-too",
        tmp_path / "gone",
    ):
        with pytest.raises(Forbidden, match="You may not use the folder"):
            await parse(str(path), person_is_admin=False, roots=[allowed])
    with pytest.raises(Forbidden):
        await parse(str(project), person_is_admin=False, roots=[])


async def test_branches_of_a_folder(tmp_path: Path) -> None:
    project = make(tmp_path / "project", 4)
    assert await branches(recall(str(project))) == ("main", ["early", "main"])
    git("worktree", "add", "-q", str(tmp_path / "tree"), "early", cwd=project)
    assert await branches(recall(str(tmp_path / "tree"))) == ("early", ["early", "main"])
    git("init", "-q", str(tmp_path / "empty"))
    assert await branches(recall(str(tmp_path / "empty"))) == (None, [])
    git("checkout", "-q", "--detach", cwd=project)
    assert (await branches(recall(str(project))))[0] is None
    with pytest.raises(NotFound, match="any more"):
        await branches(recall(str(tmp_path / "gone")))
