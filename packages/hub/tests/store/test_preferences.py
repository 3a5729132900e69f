"""What people prefer, when two of their editors say so at once."""

import asyncio

from bunkhouse.store import Database, Place, preferences

from .rows import add_user


async def test_what_is_set_at_once_is_all_kept(store_place: Place) -> None:
    store = await Database.open(store_place)
    async with store.write() as tx:
        await add_user(tx)

    async def wish(name: str) -> None:
        async with store.write() as tx:
            wishes: dict[str, bool] = await preferences.get(tx, "u", "editor", lock=True) or {}
            await preferences.put(tx, "u", "editor", {**wishes, name: True})

    names = [f"w{number}" for number in range(10)]
    await asyncio.gather(*(wish(name) for name in names))
    async with store.read() as tx:
        assert await preferences.get(tx, "u", "editor") == dict.fromkeys(names, True)
    await store.close()
