"""What happened at the forge, as Markdown; what people wrote there is quoted."""

from bunkhouse.sessions.export import markup
from bunkhouse_protocol.events import (
    PullRequestChanged,
    PullRequestChecked,
    PullRequestCommented,
    PullRequestReviewed,
)

ForgeEvent = PullRequestChanged | PullRequestReviewed | PullRequestCommented | PullRequestChecked


def told(event: ForgeEvent) -> list[str]:
    """Write one event, in blocks."""
    match event:
        case PullRequestChanged():
            by = markup.inline(event.by or "Somebody")
            title = markup.inline(event.title)
            return [f"*Pull request #{event.number} {event.change} by {by}: {title}*"]
        case PullRequestReviewed():
            verdict = event.verdict.replace("_", " ")
            head = f"**{markup.inline(event.by)}** on pull request #{event.number}: {verdict}"
            return [head, *_quoted(event.text)]
        case PullRequestCommented():
            at = f", {markup.code(f'{event.path}:{event.line}')}" if event.path else ""
            head = f"**{markup.inline(event.by)}** on pull request #{event.number}{at}"
            return [head, *_quoted(event.text)]
        case PullRequestChecked():
            return [f"*Check {markup.inline(event.name)}: {markup.inline(event.conclusion)}*"]


def _quoted(text: str) -> list[str]:
    return [markup.quoted(text)] if text.strip() else []
