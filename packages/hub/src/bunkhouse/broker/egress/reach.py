"""What the sandboxes of one repository may reach: the installation's policy, and what differs.

An admin may let a repository reach more. The repository itself can only ask: where all is open its
list narrows that down, elsewhere what is not allowed anyway stays refused. So its policy lies, for
whatever its list says, within the one that it would have without.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bunkhouse.broker.egress.policy import Mode, Policy, Verdict
from bunkhouse_protocol.places import GALLERY_HOST

REMEDY_REPOSITORY = (
    "An admin can allow it for this repository at Settings → Repositories; or name it in the "
    "repository's `.bunkhouse/config.toml`, which counts for new sessions."
)


@dataclass(frozen=True)
class Reach:
    """The installation's policy, to make those of repositories from."""

    mode: Mode
    allow: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    """Hosts of the package registries that this machine is configured with."""

    def everywhere(self) -> Policy:
        """What every sandbox may reach. Raises InvalidInput for an entry that is none."""
        return self.with_allowed(())

    @property
    def gallery(self) -> bool:
        """Whether sandboxes may reach the editor's gallery of extensions."""
        return self.everywhere().decide(GALLERY_HOST, 443).allowed

    def with_allowed(self, allowed: Sequence[str]) -> Policy:
        """The same, and what an admin allows a repository besides."""
        registries = self.registries if self.mode == "allowlist" else ()
        return Policy(self.mode, [*self.allow, *registries, *allowed])

    def of_repository(self, wanted: Sequence[str] | None, allowed: Sequence[str]) -> Policy:
        """Of a repository that wants to reach so much, and may reach so much besides.

        `wanted`: None where it says nothing of that.
        """
        whole = self.with_allowed(allowed)
        if wanted is None or self.mode != "open":
            return whole
        listed = [*wanted, *self.allow, *self.registries, *allowed]
        return Narrowed(whole, Policy("allowlist", listed))

    def refused(self, wanted: Sequence[str], allowed: Sequence[str]) -> list[str]:
        """Of what a repository wants to reach, what it may not."""
        whole = self.with_allowed(allowed)
        return [entry for entry in wanted if not whole.covers(entry)]


class Narrowed(Policy):
    """Allows what two policies allow, as the first does."""

    def __init__(self, whole: Policy, listed: Policy) -> None:
        super().__init__(whole.mode)
        self._whole = whole
        self._listed = listed

    def decide(self, host: str, port: int) -> Verdict:
        """See `Policy.decide`."""
        verdict = self._whole.decide(host, port)
        if not verdict.allowed or self._listed.decide(host, port).allowed:
            return verdict
        return Verdict(False, f"{host} is not on the list of this repository.", REMEDY_REPOSITORY)

    def covers(self, entry: str) -> bool:
        """See `Policy.covers`."""
        return self._whole.covers(entry) and self._listed.covers(entry)
