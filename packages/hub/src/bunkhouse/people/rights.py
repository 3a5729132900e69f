"""Who may do what, asked of the store: at each request, and again while something is open.

Whoever changes what somebody may do says so on the bus (topic `access`, with the id of the person
or of the session). From then on nothing that was known before counts: the next message of whatever
is open is asked about anew, and what lies open and silent is asked about at once. What another
process does, which has no bus (the command line), bites within `ASK_AGAIN_SECONDS`.
"""

import asyncio
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from bunkhouse.bus import Bus, Subscription
from bunkhouse.errors import BunkhouseError, Unauthorized
from bunkhouse.people.identity import Person, SessionRole
from bunkhouse.people.people import People
from bunkhouse.people.permissions import ACTIONS, Action, InSession, missing, refusal, role_in
from bunkhouse.store import Database, participants
from bunkhouse.store.participants import Standing

ASK_AGAIN_SECONDS = 2.0
"""For how long an answer holds at most, and how often it is asked for what stays open."""

_MOST_NOTED = 10_000

_audit = structlog.get_logger("bunkhouse.audit")
_log = structlog.get_logger("bunkhouse.people")


@dataclass(frozen=True, slots=True)
class Question:
    """May who came by this browser or token do this?"""

    sign_in: str
    action: Action
    session_id: str | None
    role: str | None = None
    """Only as long as this is their role in the installation; None: whatever it is."""


class Leave:
    """To do something for as long as one may: `over` is set when one may no longer."""

    def __init__(self, rights: "Rights", question: Question) -> None:
        self._rights = rights
        self._question = question
        self.over = asyncio.Event()

    async def ask(self) -> None:
        """Go on only if one still may. Costs nothing as long as nobody's rights have changed.

        Raises:
            Unauthorized, Forbidden, NotFound: one may not any more.
        """
        try:
            await self._rights.ask(self._question)
        except BunkhouseError:
            self.over.set()
            raise


class Rights:
    """Who may do what. `run` must run while `held` is used."""

    def __init__(self, database: Database, bus: Bus, people: People) -> None:
        self._database = database
        self._bus = bus
        self._people = people
        self._answers: dict[Question, BunkhouseError | None] = {}
        self._open: dict[Question, set[Callable[[], None]]] = {}
        self._words: Subscription | None = None
        self._noted: set[tuple[str, str]] = set()

    # ── once ─────────────────────────────────────────────────────────────────────────────────

    async def require(self, person: Person, action: Action, session_id: str | None = None) -> None:
        """Return if `person` may do `action`; what is refused is written to the audit log.

        Raises:
            NotFound: there is no such session, or it is not for them to see.
            RoleNeeded: their role does not allow it.
        """
        standing = await self.standing(session_id) if session_id is not None else None
        refused = refusal(person, action, session_id, standing)
        if refused is not None:
            if standing is not None or session_id is None:
                _refused(person, action, session_id)
            raise refused
        if standing is not None:
            self._note(person, standing)

    async def standing(self, session_id: str, *, deleted: bool = False) -> Standing | None:
        """Say whose a session is and who takes part; None where there is none.

        `deleted`: whose it was, too, as long as that is known.
        """
        async with self._database.read() as tx:
            found = await participants.standings(tx, [session_id], deleted=deleted)
        return found.get(session_id)

    async def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """The same of several; those that are not there are left out."""
        async with self._database.read() as tx:
            return await participants.standings(tx, ids)

    async def role_in(self, person: Person, session_id: str) -> SessionRole:
        """Say which role a person has in a session.

        Raises:
            NotFound: none; for them it is not there.
        """
        standing = await self.standing(session_id)
        role = None if standing is None else role_in(person, standing)
        if role is None:
            raise missing(session_id)
        return role

    # ── while something is open ──────────────────────────────────────────────────────────────

    async def ask(self, question: Question) -> None:
        """Return if they may now.

        Raises:
            Unauthorized: the browser or token is good no longer.
            Forbidden, NotFound: as of `require`.
        """
        answers = self._known()
        if question not in answers:
            answers |= await self._answer([question])
        refused = answers[question]
        if refused is not None:
            raise refused.with_traceback(None)

    @contextmanager
    def held(self, question: Question, drop: Callable[[], None] | None = None) -> Generator[Leave]:
        """Give a leave until the block ends; `drop` is called when they may no longer."""
        leave = Leave(self, question)

        def end() -> None:
            leave.over.set()
            if drop is not None:
                drop()

        ends = self._open.setdefault(question, set())
        ends.add(end)
        try:
            yield leave
        finally:
            ends.discard(end)
            if not ends and self._open.get(question) is ends:
                del self._open[question]

    async def run(self) -> None:
        """End what is open and not allowed any more, until cancelled."""
        with self._bus.subscribe(topic="access") as words:
            self._words = words
            try:
                while True:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(ASK_AGAIN_SECONDS):
                            await words.wait()
                    self._answers = {}
                    try:
                        await self._end_what_is_over()
                    except Exception:
                        _log.exception("rights not asked")  # a store that is busy; next time
            finally:
                self._words = None

    async def _end_what_is_over(self) -> None:
        answers = self._known()
        answers |= await self._answer(list(self._open))
        for question in list(self._open):
            if answers.get(question) is not None:
                for end in list(self._open.get(question, ())):
                    end()

    def _known(self) -> dict[Question, BunkhouseError | None]:
        """What is known and still holds; answers that are on their way come to an older one."""
        if self._words is None or self._words.sessions():
            self._answers = {}
        return self._answers

    async def _answer(
        self, questions: Collection[Question]
    ) -> dict[Question, BunkhouseError | None]:
        if not questions:
            return {}
        people = await self._people.by_sign_ins({each.sign_in for each in questions})
        ids = {each.session_id for each in questions if each.session_id is not None}
        standings = await self.standings(ids) if ids else {}
        return {each: _answered(each, people, standings) for each in questions}

    def _note(self, person: Person, standing: Standing) -> None:
        """Write down, once, that an admin is where they would not be without being one."""
        member = Person(person.id, person.name, "member")
        key = (person.id, standing.session_id)
        if person.role != "admin" or key in self._noted or role_in(member, standing) is not None:
            return
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted.add(key)
        _audit.info("admin_in_private_session", person=person.id, session=standing.session_id)


def _answered(
    question: Question, people: dict[str, Person], standings: dict[str, Standing]
) -> BunkhouseError | None:
    person = people.get(question.sign_in)
    if person is None:
        return Unauthorized("You are signed in no longer.", code="expired")
    if question.role not in (None, person.role):
        return Unauthorized("Your role has changed.", code="expired")
    standing = standings.get(question.session_id or "")
    refused = refusal(person, question.action, question.session_id, standing)
    if refused is not None and standing is not None:
        _refused(person, question.action, question.session_id)
    return refused


def _refused(person: Person, action: Action, session_id: str | None) -> None:
    _audit.warning("refused", person=person.id, role=person.role, action=action, session=session_id)


def is_about_a_session(action: Action) -> bool:
    """Say whether an action is about one session."""
    return isinstance(ACTIONS[action], InSession)
