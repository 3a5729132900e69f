"""The named scripts of the demo model.

A prompt with `[demo:NAME key=value …]` in it plays the script of that name:

============  ==================================  ==================================================
Script        Parameters (default)                What it does
============  ==================================  ==================================================
hello         none                                a short answer, no tools
markdown      none                                headings, lists, a table, code in some languages
long          n (500), speed (as set)             `word-1 word-2 …`, so that gaps and repeats show
think         n (60)                              thinks aloud for n words, then answers
tools         n (5), parallel (1)                 n commands, `parallel` of them in each step
bash          cmd                                 runs just that command and shows what it printed
write         path, text                          writes that file
read          path                                reads that file
slow          seconds (10)                        a command that prints a heartbeat each second
big           lines (5000)                        a command that prints that many lines
fail          none                                a command with exit code 3, and a missing file
browser       url, click                          opens a page, looks, perhaps clicks, and looks
question      n (1)                               asks n questions, and says what was answered
ask           question, choices                   asks people by the hub, and says the answer
screenshot    path, caption                       draws a picture, or takes one, and shows it
split         prompt, title, wait (600)           starts a child session and waits for it
pull          title, body, draft (no)             opens or updates the pull request, reads it
finish        none                                has the session end after the turn
permission    cmd                                 a command that is asked for first (see below)
error         status (429), times (1), message    answers with that HTTP status at first
recall        none                                says what the first prompt of the session was
breakoff      n (20), times (1)                   the stream breaks off after n words at first
hang          n (0)                               says n words, and then nothing more ever
============  ==================================  ==================================================

`speed` is in words per second, 0 as fast as can be, and can be given to any script. `times=always`
never recovers; a recovery is counted for each turn by itself. `permission` is asked for where the
session was started with `"permissions": {"bash": "ask"}`. In `write`, `\\n` begins a new line.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bunkhouse.broker.demo import hub_tools, talk
from bunkhouse.broker.demo.attached import told
from bunkhouse.broker.demo.browser import browse
from bunkhouse.broker.demo.conversation import Turn
from bunkhouse.broker.demo.directive import Directive
from bunkhouse.broker.demo.reply import INTRODUCTION, Failure, Reply
from bunkhouse.broker.demo.work import work
from bunkhouse_protocol.places import WORKSPACE


class Attempts(Protocol):
    """Counts how often the same step of a turn was asked for."""

    def count(self, key: str) -> int:
        """1 at the first attempt."""
        ...


@dataclass(frozen=True)
class Script:
    """A named script, and its line in the table above."""

    play: Callable[[Turn, Directive, Attempts], Reply]
    parameters: str
    description: str


def play(turn: Turn, attempts: Attempts) -> Reply:
    """The next step of the script that the prompt names, or of the usual work."""
    if turn.chore is not None:
        return talk.chore(turn)
    reply = _reply(turn, attempts)
    if turn.attached and turn.step == 0 and reply.text:
        reply = replace(reply, text=f"{reply.text}\n\n{told(turn.attached)}")
    return reply


def _reply(turn: Turn, attempts: Attempts) -> Reply:
    directive = turn.directive
    if directive is None:
        return work(turn)
    script = SCRIPTS.get(directive.name)
    if script is None:
        known = ", ".join(f"`{name}`" for name in SCRIPTS)
        return Reply(text=f"{INTRODUCTION} I have no script `{directive.name}`. I know: {known}.")
    reply = script.play(turn, directive, attempts)
    if reply.speed is None and "speed" in directive.arguments:
        reply = replace(reply, speed=directive.number("speed", 0))
    return reply


def _hello(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return Reply(text=f"{INTRODUCTION} Hello.")


def _markdown(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return Reply(text=f"{INTRODUCTION}\n\n{talk.MARKDOWN}")


def _long(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return Reply(text=f"{INTRODUCTION}\n\n{talk.numbered(directive.count('n', 500, least=1))}")


def _think(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    count = directive.count("n", 60, least=1)
    return Reply(
        thought=talk.numbered(count, word="thought"),
        text=f"{INTRODUCTION} I thought {count} words, none of them my own.",
    )


def _tools(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    count, parallel = directive.count("n", 5, least=1), directive.count("parallel", 1, least=1)
    begun = len(turn.done)
    if begun >= count:
        return Reply(text=f"All {count} commands ran.")
    calls = turn.tools.calls(
        *(
            turn.tools.call("shell", command=f"echo tool-call-{n}", description=f"Call {n}")
            for n in range(begun + 1, min(begun + parallel, count) + 1)
        )
    )
    return _with_tools(calls, turn, f"I run {count} commands.")


def _bash(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    command = directive.text("cmd", "pwd")
    return _command(turn, command, "I run this command.", seconds=600)


def _slow(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    seconds = directive.count("seconds", 10, least=1, most=3600)
    command = f'for i in $(seq 1 {seconds}); do echo "heartbeat-$i"; sleep 1; done'
    return _command(turn, command, f"I wait for {seconds} seconds.", seconds=seconds + 60)


def _big(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    lines = directive.count("lines", 5000, least=1)
    command = f"seq -f 'line-%.0f of a large output, padded to be as long as lines are' 1 {lines}"
    return _command(turn, command, f"I print {lines} lines.", seconds=120, quote=False)


def _permission(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    command = directive.text("cmd", "date > demo-permission.txt && cat demo-permission.txt")
    return _command(
        turn,
        command,
        "I want to run a command. You are asked first if this session was started with "
        '`"permissions": {"bash": "ask"}`.',
        seconds=120,
    )


def _write(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    if turn.step > 0:
        return Reply(text=f"Written.\n\n{talk.fenced(turn.done[-1].result)}")
    call = turn.tools.call(
        "write",
        path=_in_workspace(directive.text("path", "demo.txt")),
        content=directive.text("text", "Written by the demo model.\n").replace("\\n", "\n"),
    )
    return _with_tools(turn.tools.calls(call), turn, "I write a file.")


def _read(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    if turn.step > 0:
        return Reply(text=f"It says:\n\n{talk.fenced(turn.done[-1].result)}")
    call = turn.tools.call("read", path=_in_workspace(directive.text("path", "README.md")))
    return _with_tools(turn.tools.calls(call), turn, "I read a file.")


def _fail(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    if turn.step > 0:
        said = "\n".join(done.result for done in turn.done)
        return Reply(text=f"Both failed, as they should.\n\n{talk.fenced(said)}")
    calls = turn.tools.calls(
        turn.tools.call(
            "shell", command="echo 'this command fails' >&2; exit 3", description="Fail on purpose"
        ),
        turn.tools.call("read", path=_in_workspace("there-is-no-such-file.txt")),
    )
    return _with_tools(calls, turn, "I run a command that fails and read a file that is not there.")


def _question(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    if turn.step > 0:
        return Reply(text=f"Thank you. The answer was:\n\n{talk.fenced(turn.done[-1].result)}")
    questions = [
        {
            "question": f"Which colour shall the shed number {number} have?",
            "header": f"Shed {number}",
            "options": [
                {"label": "Red", "description": "Like a barn"},
                {"label": "Green", "description": "Like the grass"},
            ],
        }
        for number in range(1, directive.count("n", 1, least=1, most=10) + 1)
    ]
    call = turn.tools.call("ask", questions=questions)
    return _with_tools(turn.tools.calls(call), turn, "I have a question.")


def _browser(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return browse(turn, directive.text("url", "about:blank"), directive.text("click", ""))


def _ask(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return hub_tools.ask(turn, directive)


def _screenshot(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return hub_tools.screenshot(turn, directive)


def _split(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return hub_tools.split(turn, directive)


def _pull(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return hub_tools.pull(turn, directive)


def _finish(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    return hub_tools.finish(turn, directive)


def _error(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    status, attempt = directive.count("status", 429, least=400, most=599), attempts.count(turn.key)
    if attempt > _times(directive):
        return Reply(text=f"{INTRODUCTION} It answered at attempt {attempt}.")
    kinds = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    message = directive.text("message", f"The demo model fails with {status}, as its script says.")
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    wait = directive.count("retry_after", 1) if status in (429, 503) else None
    return Reply(failure=Failure(status, message, kind, retry_after=wait))


def _recall(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    if not turn.before:
        return Reply(text=f"{INTRODUCTION} This is the first prompt that I know of.")
    count = len(turn.before)
    before = f"I know of {count} prompt{'s' * (count > 1)} before this one."
    return Reply(text=f"{before} The first was:\n\n{talk.fenced(turn.before[0])}")


def _breakoff(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    attempt, count = attempts.count(turn.key), directive.count("n", 20, least=1)
    text = f"{INTRODUCTION}\n\n{talk.numbered(count)}"
    if attempt > _times(directive):
        return Reply(text=f"{text}\n\nThe answer came whole at attempt {attempt}.")
    return Reply(text=text, ending="break")


def _hang(turn: Turn, directive: Directive, attempts: Attempts) -> Reply:
    count = directive.count("n", 0)
    return Reply(text=f"{INTRODUCTION}\n\n{talk.numbered(count)} " if count else "", ending="hang")


def _times(directive: Directive) -> float:
    if directive.text("times", "") == "always":
        return float("inf")
    return directive.count("times", 1)


def _command(turn: Turn, command: str, words: str, *, seconds: int, quote: bool = True) -> Reply:
    if turn.step > 0:
        said = turn.done[-1].result
        return Reply(
            text=f"It printed:\n\n{talk.fenced(said)}"
            if quote
            else f"It printed {len(said.splitlines())} lines that reached me."
        )
    call = turn.tools.call(
        "shell", command=command, description="The demo script's command", timeout=seconds * 1000
    )
    return _with_tools(turn.tools.calls(call), turn, words)


def _with_tools(calls: list[talk.Call], turn: Turn, words: str) -> Reply:
    if not calls:
        return Reply(text=f"{INTRODUCTION} This agent offers no tool for that script.")
    return Reply(text=f"{INTRODUCTION} {words}" if turn.step == 0 else "", calls=calls)


def _in_workspace(path: str) -> str:
    return path if path.startswith("/") else f"{WORKSPACE}/{path}"


SCRIPTS: dict[str, Script] = {
    "hello": Script(_hello, "", "a short answer, no tools"),
    "markdown": Script(_markdown, "", "headings, lists, a table, code in some languages"),
    "long": Script(
        _long, "n (500), speed (as set)", "`word-1 word-2 …`, so that gaps and repeats show"
    ),
    "think": Script(_think, "n (60)", "thinks aloud for n words, then answers"),
    "tools": Script(_tools, "n (5), parallel (1)", "n commands, `parallel` of them in each step"),
    "bash": Script(_bash, "cmd", "runs just that command and shows what it printed"),
    "write": Script(_write, "path, text", "writes that file"),
    "read": Script(_read, "path", "reads that file"),
    "slow": Script(_slow, "seconds (10)", "a command that prints a heartbeat each second"),
    "big": Script(_big, "lines (5000)", "a command that prints that many lines"),
    "fail": Script(_fail, "", "a command with exit code 3, and a missing file"),
    "browser": Script(_browser, "url, click", "opens a page, looks, perhaps clicks, and looks"),
    "question": Script(_question, "n (1)", "asks n questions, and says what was answered"),
    "ask": Script(_ask, "question, choices", "asks people by the hub, and says the answer"),
    "screenshot": Script(
        _screenshot, "path, caption", "draws a picture, or takes one, and shows it"
    ),
    "split": Script(
        _split,
        "prompt, title, wait (600)",
        "starts a child session and waits for it",
    ),
    "pull": Script(_pull, "title, body, draft (no)", "opens or updates the pull request, reads it"),
    "finish": Script(_finish, "", "has the session end after the turn"),
    "permission": Script(_permission, "cmd", "a command that is asked for first (see below)"),
    "error": Script(
        _error, "status (429), times (1), message", "answers with that HTTP status at first"
    ),
    "recall": Script(_recall, "", "says what the first prompt of the session was"),
    "breakoff": Script(
        _breakoff, "n (20), times (1)", "the stream breaks off after n words at first"
    ),
    "hang": Script(_hang, "n (0)", "says n words, and then nothing more ever"),
}
"""Every script by its name, with what the reference page says of it."""
