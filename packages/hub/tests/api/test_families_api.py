"""Children of sessions over HTTP: who sees which."""

import pytest

from .cast import Cast, Who, gathered
from .house import House


@pytest.fixture
async def cast(house: House) -> Cast:
    return await gathered(house)


async def test_a_list_has_the_children_that_one_may_see(cast: Cast) -> None:
    parent = await cast.session("visible")
    async with cast.house.client() as client:

        async def child(**more: str) -> str:
            made = await client.post(
                "/api/sessions", json={"parent": parent, **more}, headers=cast.headers("owner")
            )
            assert made.status_code == 201, made.text
            assert made.json()["parent"] == parent
            return made.json()["id"]

        inherits = await child()
        hidden = await child(visibility="private")

        async def seen(who: Who) -> list[str]:
            path = f"/api/sessions/{parent}/children"
            listed = await client.get(path, headers=cast.headers(who))
            assert listed.status_code == 200, listed.text
            return [each["id"] for each in listed.json()["items"]]

        assert await seen("owner") == [inherits, hidden]
        # Who takes part in the parent takes part in both; who only may look, in what all may see.
        assert await seen("viewer") == [inherits, hidden]
        assert await seen("stranger") == [inherits]
        gone = f"/api/sessions/{hidden}/people/{cast.people['viewer'].id}"
        removed = await client.delete(gone, headers=cast.headers("owner"))
        assert removed.status_code == 204, removed.text
        assert await seen("viewer") == [inherits]
