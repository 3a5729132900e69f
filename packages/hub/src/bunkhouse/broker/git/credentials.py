"""For whom the hub goes to a host: the grants of people, as the git door uses them."""

from dataclasses import dataclass

import structlog

from bunkhouse.broker.git.remote import Credential
from bunkhouse.broker.git.repositories import RepositoryRef
from bunkhouse.errors import GrantMissing, GrantRevoked, SealBroken, VaultKeyMissing
from bunkhouse.forges import Grants

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Credentials:
    """The grants of an installation."""

    grants: Grants

    async def of(self, ref: RepositoryRef, person_id: str) -> Credential:
        """What this person has for a repository's host.

        Raises:
            GrantMissing: nothing, or it is no forge that is known here.
            GrantRevoked, VaultKeyMissing, SealBroken, UpstreamFailed, TooMany: see `Grants`.
        """
        forge = self.grants.forge_of(ref.url) if ref.kind == "url" else None
        if forge is None:
            raise GrantMissing(f"{ref.name} is on no forge that this installation knows.")
        token = await self.grants.token_for(person_id, forge.host)

        async def rejected() -> None:
            await self.grants.rejected(person_id, forge.host, token)

        return Credential(forge.authorization(token), rejected)

    async def if_any(self, ref: RepositoryRef, person_id: str) -> Credential | None:
        """The same for reading, which what is public can be without.

        Raises:
            UpstreamFailed, TooMany: the person's token has to be replaced, and can't be now.
        """
        try:
            return await self.of(ref, person_id)
        except (GrantMissing, GrantRevoked):
            return None
        except (VaultKeyMissing, SealBroken) as error:
            _log.warning("grant_not_opened", person=person_id, why=error.message)
            return None
