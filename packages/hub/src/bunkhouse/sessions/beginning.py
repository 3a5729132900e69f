"""What a session begins with: its repository and branch, the first prompt, and where it has it."""

from dataclasses import dataclass

from bunkhouse.errors import InvalidInput
from bunkhouse.forges import Topic, TopicKind
from bunkhouse.people.identity import Person
from bunkhouse.sessions import prompting, quoting
from bunkhouse.sessions.ports import Catalog, RepositoryChoice
from bunkhouse.sessions.views import NewSession
from bunkhouse.settings import Settings


@dataclass(frozen=True, slots=True)
class Beginning:
    """What was asked for, understood."""

    text: str
    """Of the first prompt; empty: there is none, or attachments alone."""
    title: str | None
    """None: as the first prompt is."""
    choice: RepositoryChoice | None
    branch: str | None
    """None: the repository's default one."""


async def understood(
    new: NewSession, author: Person, catalog: Catalog, settings: Settings
) -> Beginning:
    """Find what is meant, at the forge too where it starts from something there.

    Raises:
        InvalidInput: no such repository; or it has no issues, or there is none to start from.
        Forbidden: the repository is not for this person.
        TooLarge: the prompt is over `prompt_bytes`.
        BunkhouseError: what `Catalog.topic` raises.
    """
    text = (new.prompt or "").strip()
    prompting.check_size(text, settings.prompt_bytes)
    repository = (new.repository or "").strip()
    choice = await catalog.repository(repository, author) if repository else None
    branch = (new.branch or "").strip() or None
    title = (new.title or "").strip() or None
    wanted = _wanted(new)
    if wanted is None:
        return Beginning(text, title, choice, branch)
    if choice is None:
        raise InvalidInput(
            "An issue or a pull request is of a repository, and none was given.",
            remedy="Give the repository that it is of.",
            code="no_forge",
        )
    topic = await catalog.topic(choice, *wanted, author)
    text = text or f"Work on {quoting.named(topic)}, which is quoted below."
    limit = min(settings.forge_text_bytes, settings.prompt_bytes // 2)
    text = "\n\n".join((text, *_about_branches(topic), quoting.quoted(topic, limit)))
    prompting.check_size(text, settings.prompt_bytes)
    return Beginning(
        text,
        title or prompting.title(quoting.title(topic), []) or None,
        choice,
        branch or (topic.head if topic.head_is_here else topic.base),
    )


def _wanted(new: NewSession) -> tuple[TopicKind, int] | None:
    if new.from_issue is not None and new.from_pull_request is not None:
        raise InvalidInput(
            "A session starts from an issue or from a pull request, not from both.",
            remedy="Give one of `from_issue` and `from_pull_request`.",
        )
    if new.from_issue is not None:
        return "issue", new.from_issue
    return None if new.from_pull_request is None else ("pull_request", new.from_pull_request)


def _about_branches(topic: Topic) -> list[str]:
    """Where the pull request's work is, if it is not what is checked out."""
    if topic.kind == "issue" or topic.head_is_here:
        return []
    return [
        f"(The branch of pull request #{topic.number} is in another repository, and not in this "
        "clone: what is checked out is the branch that it is to be merged into.)"
    ]
