"""What a session may be started with: repositories and models, as the sessions room asks."""

from pathlib import Path

from bunkhouse.broker.git.branches import branches
from bunkhouse.broker.git.credentials import Credentials
from bunkhouse.broker.git.repositories import RepositoryRef, parse, recall
from bunkhouse.broker.models.providers import Providers
from bunkhouse.errors import BunkhouseError
from bunkhouse.forges import Grants, Topic, TopicKind, Topics
from bunkhouse.people.identity import Person
from bunkhouse.sessions.ports import RepositoryChoice
from bunkhouse_protocol.link import Provider as ProviderSpec


class Catalog:
    """The repositories and models of an installation.

    `roots` are folders whose repositories everybody may use; admins may use any. `grants` say who
    is signed in at a forge.
    """

    def __init__(
        self, providers: Providers, roots: list[Path], grants: Grants | None = None
    ) -> None:
        self._providers = providers
        self._grants = grants
        self._roots = roots
        self._topics = Topics(grants)

    async def find(self, text: str, person: Person) -> RepositoryRef:
        """Understand what a person gave as a repository.

        Raises:
            InvalidInput: it is no repository.
            Forbidden: this person may not use it.
        """
        return await parse(text, person_is_admin=person.role == "admin", roots=self._roots)

    async def repository(self, text: str, person: Person) -> RepositoryChoice:
        """See `sessions.ports.Catalog.repository`."""
        found = await self.find(text, person)
        forge = self._grants.forge_of(found.url) if self._grants and found.kind == "url" else None
        grant = await self._grants.find(person.id, forge.host) if self._grants and forge else None
        pushes = grant is not None and not grant.revoked
        return RepositoryChoice(shown=found.url, door=found.door, pushes=pushes)

    async def topic(
        self, choice: RepositoryChoice, kind: TopicKind, number: int, person: Person
    ) -> Topic:
        """See `sessions.ports.Catalog.topic`."""
        return await self._topics.read(choice.shown, kind, number, person.id)

    async def has_branch(self, choice: RepositoryChoice, branch: str, person: Person) -> bool:
        """See `sessions.ports.Catalog.has_branch`."""
        ref = recall(choice.shown)
        try:
            credential = None
            if self._grants is not None and ref.kind == "url":
                credential = await Credentials(self._grants).if_any(ref, person.id)
            _, names = await branches(ref, credential)
        except BunkhouseError:
            return False
        return branch in names

    def model(self, text: str | None) -> str:
        """See `sessions.ports.Catalog.model`."""
        provider, model = self._providers.split(text or self._providers.default())
        return f"{provider.id}/{model}"

    def providers(self) -> list[ProviderSpec]:
        """See `sessions.ports.Catalog.providers`."""
        return [
            ProviderSpec(
                id=provider.id,
                dialect=provider.dialect,
                models=list(self._providers.models_of(provider.id)),
            )
            for provider in self._providers.enabled()
        ]
