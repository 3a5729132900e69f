"""The agent's permission requests and questions, put to whoever sits at the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from bunkhouse.cli.hub import Hub, HubRefused
from bunkhouse.cli.terminal import one_line
from bunkhouse.words import clean
from bunkhouse_protocol.events import PermissionRequested, Question, QuestionAsked

_REPLIES = {"y": "once", "yes": "once", "a": "always", "always": "always", "n": "reject"}


class Answerer:
    """Asks at the terminal, or says where else to answer."""

    def __init__(self, hub: Hub, session_id: str, console: Console, *, interactive: bool) -> None:
        self._hub = hub
        self._address = f"/api/sessions/{session_id}"
        self._page = hub.page(session_id)
        self._console = console
        self._interactive = interactive

    def permission(self, event: PermissionRequested) -> None:
        """Have a permission request answered."""
        wants = f"◇ The agent asks to use {one_line(event.permission)}: {one_line(event.title)}"
        self._line(wants, "bold")
        if not self._interactive:
            self._elsewhere()
            return
        always = f" ({one_line(', '.join(event.always))})" if event.always else ""
        while True:
            said = self._read(f"  Allow it? y once · a always{always} · n no: ")
            reply = "reject" if said is None else _REPLIES.get(said.lower())
            if reply:
                break
        instead = (
            self._read("  What should it do instead? (Enter: nothing) ") if said == "n" else ""
        )
        body = {"reply": reply, "message": instead or None}
        self._send(f"/permissions/{event.request_id}", body)

    def questions(self, event: QuestionAsked) -> None:
        """Have questions answered."""
        self._line("◇ The agent asks:", "bold")
        if not self._interactive:
            for question in event.questions:
                self._line(f"  {one_line(question.question, 300)}")
            self._elsewhere()
            return
        answers: list[list[str]] = []
        for question in event.questions:
            answer = self._ask(question)
            if answer is None:
                self._send(f"/questions/{event.request_id}", {"answers": None})
                return
            answers.append(answer)
        self._send(f"/questions/{event.request_id}", {"answers": answers})

    def _ask(self, question: Question) -> list[str] | None:
        """Ask one; None if the person does not want to answer (Ctrl+D)."""
        self._line(f"  {clean(question.question)}")
        for number, option in enumerate(question.options, 1):
            more = f": {one_line(option.description)}" if option.description else ""
            self._line(f"    {number} {one_line(option.label)}{more}")
        hint = "numbers, with commas" if question.multiple else "a number"
        if not question.options:
            hint = "in your words"
        elif question.custom:
            hint += ", or in your words"
        while True:
            said = self._read(f"  Answer ({hint}): ")
            if said is None:
                return None
            answer = choose(question, said)
            if answer:
                return answer

    def _read(self, prompt: str) -> str | None:
        # Not by `input(prompt)`: without readline that writes to stderr, which may be a file.
        self._console.file.write(prompt)
        self._console.file.flush()
        try:
            return input().strip()
        except EOFError:
            self._line("")
            return None

    def _send(self, path: str, body: Mapping[str, object]) -> None:
        try:
            self._hub.ask("POST", self._address + path, json=body)
        except HubRefused as error:
            if error.http_status != 409:  # somebody else was faster
                raise
            self._line(f"  {error.message}", "dim")

    def _elsewhere(self) -> None:
        self._line(f"  It waits for an answer. Give it at {self._page}")

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


def choose(question: Question, said: str) -> list[str]:
    """Understand an answer: numbers of options, their labels, or own words; empty if neither."""
    labels = [option.label for option in question.options]
    picked: list[str] = []
    for part in said.split(",") if question.multiple else [said]:
        word = part.strip()
        if word.isdecimal() and 0 < int(word) <= len(labels):
            picked.append(labels[int(word) - 1])
        elif word in labels:
            picked.append(word)
        elif said and question.custom:
            return [said]
        else:
            return []
    return picked
