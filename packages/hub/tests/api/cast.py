"""Everybody who may come to a session: from nobody to an admin."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from bunkhouse.api.access import PUBLIC_COOKIE
from bunkhouse.people import Person, SessionRole, Visibility
from bunkhouse.people.permissions import SESSION_ROLES
from bunkhouse.sessions import NewSession

from .house import House

Who = Literal["nobody", "public", "stranger", "viewer", "commenter", "driver", "owner", "admin"]
EVERYBODY: tuple[Who, ...] = get_args(Who)
PEOPLE = EVERYBODY[2:]
"""Those of them who are signed in; `public` has nothing but a public link."""


async def signed_in(house: House) -> tuple[Person, str]:
    """A new member, and a token of theirs."""
    person = (await house.people.use_link(await house.people.sign_in_link("member"))).person
    _, secret = await house.people.create_token(person, "theirs")
    found = await house.people.by_token(secret)
    assert found is not None
    return found, secret


@dataclass
class Cast:
    """People by who they are in the sessions that `session` makes."""

    house: House
    people: dict[Who, Person]
    tokens: dict[Who, str]
    links: dict[str, str] = field(default_factory=dict[str, str])
    """The secrets of public links, by session."""

    def headers(self, who: Who) -> dict[str, str]:
        if who == "public":
            cookies = [f"{PUBLIC_COOKIE}_{key}={secret}" for key, secret in self.links.items()]
            return {"Cookie": "; ".join(cookies), "Sec-Fetch-Site": "same-origin"}
        token = self.tokens.get(who)
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def role(self, who: Who) -> SessionRole | None:
        """What they are in a private session."""
        if who == "admin":
            return "owner"
        return next((role for role in SESSION_ROLES if role == who), None)

    async def session(self, visibility: Visibility = "private", prompt: str | None = None) -> str:
        """A session of the owner's, with the others as its participants."""
        new = NewSession(visibility=visibility, prompt=prompt)
        owner = self.people["owner"]
        view = await self.house.sessions.create(new, owner)
        for role in ("viewer", "commenter", "driver"):
            other = self.people[role]
            await self.house.services.participants.put(view.id, other.id, role, owner)
        _, self.links[view.id] = await self.house.services.share_links.create(
            view.id, owner, public=True
        )
        return view.id


async def gathered(house: House) -> Cast:
    """Everybody, signed in."""
    admin = await house.people.by_token(house.token)
    assert admin is not None
    cast = Cast(house, {"admin": admin}, {"admin": house.token})
    for who in ("stranger", "viewer", "commenter", "driver", "owner"):
        cast.people[who], cast.tokens[who] = await signed_in(house)
    return cast
