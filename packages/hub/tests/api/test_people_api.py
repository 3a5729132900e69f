"""People, participants and visibility over HTTP."""

import pytest

from bunkhouse.people import Visibility

from .cast import Cast, Who, gathered
from .house import House


@pytest.fixture
async def cast(house: House) -> Cast:
    return await gathered(house)


async def test_an_admin_sees_everybody_and_a_member_names(cast: Cast) -> None:
    gone = cast.people["stranger"].id
    async with cast.house.client() as client:
        admin, member = cast.headers("admin"), cast.headers("viewer")
        assert (await client.delete(f"/api/people/{gone}", headers=admin)).status_code == 204
        everybody = (await client.get("/api/people", headers=admin)).json()["items"]
        names = (await client.get("/api/people", headers=member)).json()["items"]
    by_id = {each["id"]: each for each in everybody}
    assert len(by_id) == 6
    assert by_id[cast.people["admin"].id]["role"] == "admin"
    assert by_id[gone]["deactivated_at"] is not None
    assert {each["id"] for each in names} == set(by_id) - {gone}
    assert all(
        (each["role"], each["created_at"], each["deactivated_at"]) == (None, None, None)
        for each in names
    )


async def test_roles_are_changed_and_people_come_back(cast: Cast) -> None:
    admin, member = cast.people["admin"], cast.people["viewer"]
    async with cast.house.client() as client:
        headers = cast.headers("admin")
        last = await client.patch(
            f"/api/people/{admin.id}", json={"role": "member"}, headers=headers
        )
        assert (last.status_code, last.json()["code"]) == (409, "last_admin")
        await client.delete(f"/api/people/{member.id}", headers=headers)
        back = await client.patch(
            f"/api/people/{member.id}", json={"active": True, "role": "admin"}, headers=headers
        )
        assert (back.json()["role"], back.json()["deactivated_at"]) == ("admin", None)
        me = await client.get("/api/me", headers=cast.headers("viewer"))
        assert me.status_code == 401  # their token stays revoked
        nothing = await client.patch(f"/api/people/{member.id}", json={}, headers=headers)
        assert nothing.status_code == 422


async def test_participants_come_change_and_go(cast: Cast) -> None:
    session_id = await cast.session()
    people = f"/api/sessions/{session_id}/people"
    stranger, owner = cast.people["stranger"].id, cast.people["owner"].id
    async with cast.house.client() as client:
        headers = cast.headers("owner")
        put = await client.put(f"{people}/{stranger}", json={"role": "viewer"}, headers=headers)
        assert (put.status_code, put.json()["role"], put.json()["author"]) == (
            200,
            "viewer",
            False,
        )
        # They see who else is there, and may go by themselves.
        listed = (await client.get(people, headers=cast.headers("stranger"))).json()["items"]
        assert [each["role"] for each in listed] == [
            "owner",
            "viewer",
            "commenter",
            "driver",
            "viewer",
        ]
        for status in (204, 404):
            left = await client.delete(f"{people}/{stranger}", headers=cast.headers("stranger"))
            assert left.status_code == status
        own = await client.put(f"{people}/{owner}", json={"role": "viewer"}, headers=headers)
        assert (own.status_code, own.json()["code"]) == (409, "author")
        nobody = await client.put(f"{people}/none", json={"role": "viewer"}, headers=headers)
        assert nobody.status_code == 404
        wrong = await client.put(f"{people}/{stranger}", json={"role": "king"}, headers=headers)
        assert wrong.status_code == 422


@pytest.mark.parametrize("default", ["private", "visible", "joinable"])
async def test_new_sessions_are_seen_as_is_set_or_said(cast: Cast, default: Visibility) -> None:
    cast.house.room.settings.session_visibility = default
    async with cast.house.client() as client:
        headers = cast.headers("owner")
        made = (await client.post("/api/sessions", json={}, headers=headers)).json()
        assert (made["visibility"], made["role"]) == (default, "owner")
        said = await client.post("/api/sessions", json={"visibility": "visible"}, headers=headers)
        assert said.json()["visibility"] == "visible"
        address = f"/api/sessions/{said.json()['id']}"
        theirs = (await client.get(address, headers=cast.headers("stranger"))).json()
        assert theirs["role"] == "viewer"
        changed = await client.patch(address, json={"visibility": "joinable"}, headers=headers)
        assert changed.json()["visibility"] == "joinable"
        prompted = await client.post(
            f"{address}/prompts", json={"text": "hi"}, headers=cast.headers("stranger")
        )
        assert (prompted.status_code, prompted.json()["author"]) == (202, "Member")


async def test_what_can_not_be_changed_changes_nothing(cast: Cast) -> None:
    session_id = await cast.session()
    address = f"/api/sessions/{session_id}"
    async with cast.house.client() as client:
        tries: tuple[tuple[Who, int], ...] = (("driver", 403), ("owner", 422))
        for who, status in tries:
            refused = await client.patch(
                address,
                json={"title": "new", "model": "no/model", "visibility": "visible"},
                headers=cast.headers(who),
            )
            assert refused.status_code == status
        after = (await client.get(address, headers=cast.headers("owner"))).json()
    assert (after["title"], after["visibility"]) == ("New session", "private")
