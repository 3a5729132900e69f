"""Sessions: start, look at, change, prompt, stop, answer."""

from dataclasses import fields
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter

from bunkhouse.api.access import (
    ASKED_FURTHER,
    Answerer,
    Changer,
    Creator,
    Deleter,
    Hub,
    Lister,
    Reader,
    Sleeper,
    Stopper,
)
from bunkhouse.api.repetition import Key, once_of
from bunkhouse.api.schemas import (
    ChangesOut,
    NewSession,
    Page,
    PermissionReply,
    QuestionReply,
    Retry,
    SessionOut,
    SessionPatch,
)
from bunkhouse.api.services import Services
from bunkhouse.errors import TooLarge
from bunkhouse.people import Person, SessionRole
from bunkhouse.people.permissions import roles_of, sees_all
from bunkhouse.sessions import views
from bunkhouse.sessions.views import SessionView

router = APIRouter(prefix="/sessions", tags=["sessions"])

SessionId = Annotated[str, Path(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]

_SESSION = TypeAdapter(SessionOut)


def session_out(view: SessionView, role: SessionRole) -> SessionOut:
    """Show a session as the API does, to somebody who has this role in it."""
    given = {field.name: getattr(view, field.name) for field in fields(view)}
    return _SESSION.validate_python({**given, "role": role}, from_attributes=True)


async def shown_to(person: Person, view: SessionView, hub: Services) -> SessionOut:
    """Show it to a person.

    Raises:
        NotFound: it is not for them to see any more.
    """
    return session_out(view, await hub.rights.role_in(person, view.id))


@router.post("", status_code=201)
async def create_session(new: NewSession, hub: Hub, person: Creator, key: Key = None) -> SessionOut:
    """Start a session: it waits for a sandbox, sets it up, and works on the prompt."""
    wanted = views.NewSession(
        repository=new.repository,
        branch=new.branch,
        model=new.model,
        prompt=new.prompt,
        from_issue=new.from_issue,
        from_pull_request=new.from_pull_request,
        title=new.title,
        permissions=new.permissions or {},
        attachments=tuple(new.attachments),
        visibility=new.visibility,
        parent=new.parent,
    )
    if new.parent is not None:
        await hub.rights.require(person, ASKED_FURTHER["createSession parent"], new.parent)
    once = once_of(hub, person, key, "POST /api/sessions", new)
    return session_out(await hub.sessions.create(wanted, person, key=once), "owner")


@router.get("")
async def list_sessions(
    hub: Hub, person: Lister, cursor: str | None = None, limit: Limit = 50
) -> Page[SessionOut]:
    """List the sessions that one may see, those that did something last first."""
    seen_by = None if sees_all(person) else person.id
    found, following = await hub.sessions.list(cursor=cursor, limit=limit, seen_by=seen_by)
    standings = await hub.rights.standings([view.id for view in found])
    roles = roles_of(person, standings)
    items = [session_out(view, roles[view.id]) for view in found if view.id in roles]
    return Page(items=items, next=following)


@router.get("/{session_id}")
async def get_session(session_id: SessionId, hub: Hub, person: Reader) -> SessionOut:
    """Show a session."""
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.patch("/{session_id}")
async def change_session(
    session_id: SessionId, patch: SessionPatch, hub: Hub, person: Changer
) -> SessionOut:
    """Change the title, the model of prompts to come, when it sleeps by itself, or who sees it."""
    if patch.visibility is not None:
        await hub.rights.require(person, ASKED_FURTHER["changeSession visibility"], session_id)
    if "hibernate_after" in patch.model_fields_set:
        await hub.sleepers.hibernate_after(session_id, patch.hibernate_after)
    await hub.sessions.rename(session_id, title=patch.title, model=patch.model)
    if patch.visibility is not None:
        await hub.participants.set_visibility(session_id, patch.visibility, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.delete("/{session_id}", status_code=204)
async def delete_session(session_id: SessionId, hub: Hub, person: Deleter) -> None:
    """Delete a session, its log, its files and its sandbox. One that works is ended first."""
    await hub.sessions.delete(session_id, person)


@router.post("/{session_id}/stop", status_code=202)
async def stop_session(session_id: SessionId, hub: Hub, person: Stopper) -> SessionOut:
    """Stop what the agent does now."""
    return await shown_to(person, await hub.sessions.stop(session_id, person), hub)


@router.post("/{session_id}/hibernate", status_code=202)
async def hibernate_session(session_id: SessionId, hub: Hub, person: Sleeper) -> SessionOut:
    """Stop the sandbox, which keeps its files. It wakes with the next prompt."""
    await hub.sleepers.hibernate(session_id, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.post("/{session_id}/wake", status_code=202)
async def wake_session(session_id: SessionId, hub: Hub, person: Sleeper) -> SessionOut:
    """Start the sandbox again, or bring a session back that has ended."""
    await hub.sleepers.wake(session_id, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.post("/{session_id}/end", status_code=202)
async def end_session(session_id: SessionId, hub: Hub, person: Sleeper) -> SessionOut:
    """Take the sandbox away and keep its files for a while. The session stays readable."""
    await hub.sleepers.end(session_id, person)
    return await shown_to(person, await hub.sessions.get(session_id), hub)


@router.post("/{session_id}/retry", status_code=202)
async def retry_session(
    session_id: SessionId, retry: Retry, hub: Hub, person: Stopper
) -> SessionOut:
    """Set a failed session up again, perhaps with another branch or repository."""
    view = await hub.sessions.retry(
        session_id, branch=retry.branch, repository=retry.repository, by=person
    )
    return await shown_to(person, view, hub)


@router.post("/{session_id}/permissions/{request_id}", status_code=202)
async def reply_permission(
    session_id: SessionId, request_id: str, reply: PermissionReply, hub: Hub, person: Answerer
) -> None:
    """Allow or refuse what the agent asks for."""
    await hub.sessions.reply_permission(session_id, request_id, reply.reply, reply.message, person)


@router.post("/{session_id}/questions/{request_id}", status_code=202)
async def reply_question(
    session_id: SessionId, request_id: str, reply: QuestionReply, hub: Hub, person: Answerer
) -> None:
    """Answer what the agent asks, or dismiss it."""
    await hub.sessions.reply_question(session_id, request_id, reply.answers, person)


@router.get("/{session_id}/changes")
async def get_changes(session_id: SessionId, hub: Hub, _person: Reader) -> ChangesOut:
    """Show how the workspace differs from where it began. Asks the sandbox, which must run."""
    changes = await hub.sessions.changes(session_id)
    return ChangesOut(**changes.model_dump())


@router.get(
    "/{session_id}/changes.patch",
    response_class=Response,
    responses={200: {"content": {"text/x-patch": {"schema": {"type": "string"}}}}},
)
async def get_patch(session_id: SessionId, hub: Hub, _person: Reader) -> Response:
    """Give the same as a patch for `git apply`."""
    changes = await hub.sessions.changes(session_id)
    if changes.truncated:
        raise TooLarge(
            "The changes are larger than what is shown, so a patch would lack its end.",
            remedy="Raise BUNKHOUSE_DIFF_BYTES, or take single files out of the sandbox with "
            "`bunkhouse exec`.",
        )
    name = f"bunkhouse-{session_id}.patch"
    return Response(
        changes.diff,
        media_type="text/x-patch",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
