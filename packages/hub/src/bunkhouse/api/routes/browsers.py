"""The browsers that somebody is signed in with: list them, sign them out."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from bunkhouse.api.access import BrowserOwner, Hub, PeopleManager
from bunkhouse.api.people_schemas import BrowserOut, PersonId
from bunkhouse.api.schemas import Page
from bunkhouse.people import Person

router = APIRouter(tags=["people"])

BrowserId = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


@router.get("/me/browsers")
async def list_browsers(hub: Hub, person: BrowserOwner) -> Page[BrowserOut]:
    """List the browsers that are signed in as you, and those that had to be signed out."""
    here = _here(person)
    found = await hub.people.browsers.of(person.id)
    return Page(items=[BrowserOut(**asdict(each), here=each.id == here) for each in found])


@router.delete("/me/browsers", status_code=204)
async def end_other_browsers(hub: Hub, person: BrowserOwner) -> None:
    """Sign all browsers out but the one that asks; asked with a token, all."""
    await hub.people.browsers.end_others(person.id, _here(person))


@router.delete("/me/browsers/{browser_id}", status_code=204)
async def end_browser(browser_id: BrowserId, hub: Hub, person: BrowserOwner) -> None:
    """Sign a browser out. What it has open ends at once."""
    await hub.people.browsers.end(person.id, browser_id)


@router.delete("/people/{person_id}/browsers", status_code=204)
async def end_browsers_of_person(person_id: PersonId, hub: Hub, person: PeopleManager) -> None:
    """Sign all browsers of somebody out. They may sign in again; their tokens stay."""
    await hub.people.browsers.end_all(person_id, person.id)


def _here(person: Person) -> str | None:
    kind, _, key = (person.sign_in or "").partition(":")
    return key if kind == "browser" else None
