"""Opening the pull request of the session's branch, and reading what has become of it."""

from bunkhouse.broker.tools.arguments import OpenPullRequest, PullRequestStatus
from bunkhouse.broker.tools.work import Call, Told
from bunkhouse.errors import NotFound
from bunkhouse.forges import CheckRun, Comment, PullRequest, Review
from bunkhouse.sessions import quoting
from bunkhouse.sessions.pull_requests import Wanted

_TITLE = 200
_CHECKS = 100
_OPENED = "Pull requests are opened with `open_pull_request`."


async def open_one(call: Call, given: OpenPullRequest) -> Told:
    """Commit and push what was done, and open a pull request of it or bring it up to that."""
    wanted = Wanted(given.title, given.body, None, given.draft)
    new = await call.rooms.pull_requests.open(call.session_id, wanted, call.person, at_work=True)
    pull = (await call.rooms.sessions.get(call.session_id)).pull_request
    if pull is None:
        raise NotFound("The pull request is gone again.", remedy=_OPENED)
    did = "opened" if new else "updated"
    return Told(
        f"Pull request #{pull.number} was {did}, with all that was done: {pull.url}\n"
        f"Its branch is at {pull.commit}, and is to be merged into {pull.base}.",
        f"Pull request #{pull.number} was {did}.",
    )


async def status(call: Call, given: PullRequestStatus) -> Told:
    """Say how it is at the forge now: state, checks, reviews and comments."""
    told = [
        each.said for each in await call.rooms.pull_requests.refresh(call.session_id, call.person)
    ]
    pull = next(each for each in told if isinstance(each, PullRequest))
    state = "merged" if pull.merged else pull.state
    lines = [
        f"Pull request #{pull.number} is {state}{', a draft' if pull.draft else ''}: {pull.url}",
        f"Its branch is at {pull.head_commit}, and is to be merged into {pull.base}.",
        *_checks([each for each in told if isinstance(each, CheckRun)]),
    ]
    talk = _talk([each for each in told if isinstance(each, Review | Comment)])
    if talk:
        limit = call.rooms.settings.forge_text_bytes
        host = pull.url.partition("://")[2].partition("/")[0]
        lines.append(quoting.quoted_talk(host, talk, limit))
    else:
        lines.append("Nobody has said anything on it.")
    return Told("\n".join(lines), f"Pull request #{pull.number} was read.")


def _checks(runs: list[CheckRun]) -> list[str]:
    if not runs:
        return ["It has no checks."]
    named = [
        f"- {quoting.plain(run.name, _TITLE)}: {run.conclusion or run.status.replace('_', ' ')}"
        for run in runs[:_CHECKS]
    ]
    if len(runs) > _CHECKS:
        named.append(f"- and {len(runs) - _CHECKS} more")
    return ["Its checks:", *named]


def _talk(found: list[Review | Comment]) -> list[Review | Comment]:
    """Without what says nothing, in the order in which it was said where that is known."""
    kept = [
        each
        for each in found
        if isinstance(each, Comment)
        or (each.state != "pending" and (each.body.strip() or each.state != "commented"))
    ]

    def when(each: Review | Comment) -> float:
        at = each.created_at if isinstance(each, Comment) else each.submitted_at
        return at.timestamp() if at is not None else 0.0

    return sorted(kept, key=when)
