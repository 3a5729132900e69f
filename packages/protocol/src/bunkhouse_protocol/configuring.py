"""A repository's own settings on their way: the runner reads them, the hub judges them.

Once the workspace is made, the runner shows the hub what the repository's `CONFIG` says at the
commit that it began at: `POST {DOORS_PREFIX}/settings` with `ConfigFile`, answered by `SetUp`. The
first answer of a session holds for all its life: asked again, the hub gives the same.
"""

from typing import Literal

from pydantic import BaseModel, Field

CONFIG = ".bunkhouse/config.toml"
"""Path of the file within its repository."""


class ConfigFile(BaseModel):
    """What was found at `CONFIG`."""

    text: str | None = None
    """None: there is no such file, or none that can be given."""
    trouble: Literal["too_large", "no_file", "no_text"] | None = None
    """Why it can't: over the limit; a folder, a link or a submodule; not in UTF-8."""


class SetUp(BaseModel):
    """How a session is set up once its files are there, as the hub decided."""

    commands: list[str] = Field(default_factory=list[str])
    """Lines for a shell, one after the other; those after one that fails are not run."""
    seconds: float = 1800.0
    """How long all of them may take together."""
    environment: dict[str, str] = Field(default_factory=dict[str, str])
    """For whatever is run in the sandbox as the agent's user: by the agent, by people, by these
    commands."""
