"""Bringing the session's work to its branch at the repository's host, through the git door."""

from bunkhouse_protocol.gateway import Published, PublishRequest
from bunkhouse_runner.errors import NotPublished
from bunkhouse_runner.git import Git

_LINES = 20
"""Of what the host, or a hook, said."""


async def publish(git: Git, base: str | None, request: PublishRequest) -> Published:
    """Commit what is not committed, and push it all; what is pushed already is not pushed again.

    `base`: the commit that the work began at, None where there was none.

    Raises:
        NotPublished: with git's own words; nothing is lost.
    """
    status = await _must(git, "status_unknown", "status", "--porcelain", "--untracked-files=all")
    if status:
        await _commit(git, request)
    head = await _head(git)
    count = await _must(
        git, "status_unknown", "rev-list", "--count", head, *([f"^{base}"] if base else [])
    )
    if count == "0":
        raise NotPublished(
            "nothing_to_publish",
            "Nothing has changed since the work began.",
            remedy="Have the agent do something first.",
        )
    # A session that went back has other commits than it pushed. What others pushed stays safe:
    # the host is to have what we know of it.
    pushed = await git.run(
        "push", "--force-with-lease", "origin", f"HEAD:refs/heads/{request.branch}"
    )
    if pushed.status != 0:
        raise NotPublished(
            "push_refused",
            f"The branch {request.branch} could not be pushed.",
            remedy="What git said is below; the agent can be asked to mend it.",
            detail=_tail(pushed.err),
        )
    return Published(commit=head, commits=int(count), committed=bool(status))


async def _commit(git: Git, request: PublishRequest) -> None:
    await _must(git, "not_committed", "add", "--all")
    beside = ("-c", f"bunkhouse.coAuthor={request.co_author}") if request.co_author else ()
    by = request.author
    done = await git.run(
        *beside,
        "commit",
        "--quiet",
        "--file=-",
        stdin=request.message.encode(),
        env={
            "GIT_AUTHOR_NAME": by.name,
            "GIT_AUTHOR_EMAIL": by.email,
            "GIT_COMMITTER_NAME": by.name,
            "GIT_COMMITTER_EMAIL": by.email,
        },
    )
    if done.status != 0:
        raise NotPublished(
            "not_committed",
            "What has changed could not be committed.",
            remedy="What git, or a hook of the repository, said is below.",
            detail=_tail(done.err or done.text),
        )


async def _head(git: Git) -> str:
    return await _must(git, "nothing_to_publish", "rev-parse", "--verify", "HEAD^{commit}")


async def _must(git: Git, code: str, *arguments: str) -> str:
    result = await git.run(*arguments)
    if result.status != 0:
        raise NotPublished(
            code, "Git can't say what there is to publish.", detail=_tail(result.err)
        )
    return result.text


def _tail(said: str) -> str:
    """The lines that matter: those of the host without its mark."""
    lines = [line.removeprefix("remote:").strip() for line in said.splitlines()]
    return "\n".join([line for line in lines if line][-_LINES:])
