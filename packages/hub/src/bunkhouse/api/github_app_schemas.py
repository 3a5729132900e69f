"""The shapes of what the API says of the GitHub App of an installation."""

from datetime import datetime

from pydantic import BaseModel, Field

from bunkhouse.api.schemas import Input


class RegisteredApp(BaseModel):
    """A GitHub App that was set up here. Its secrets are never told."""

    name: str
    slug: str
    owner: str
    host: str
    html_url: str
    settings_url: str = Field(description="Where its owner changes and deletes it.")
    install_url: str = Field(description="Where one chooses the repositories that it may see.")
    hears: bool = Field(description="GitHub tells of reviews, comments and checks by webhook.")
    in_use: bool = Field(description="One signs in with it; else the environment says otherwise.")
    problem: str | None = Field(description="Why it can't be used.")
    created_at: datetime


class GitHubAppOut(BaseModel):
    """What GitHub is to this installation."""

    url: str = Field(description="Where the GitHub of this installation is.")
    url_is_set: bool = Field(description="By `BUNKHOUSE_GITHUB_URL`, so it can't be another.")
    client_is_set: bool = Field(
        description="By `BUNKHOUSE_GITHUB_CLIENT_ID`, which goes before an App set up here."
    )
    hub_url: str = Field(description="The address of the hub that the App is told.")
    reachable: bool = Field(
        description="Whether GitHub can reach the hub there, as far as that shows. Else the App "
        "gets no webhook."
    )
    app: RegisteredApp | None


class SetupIn(Input):
    """Whose App it is to be, and where."""

    organization: str | None = Field(
        None, max_length=100, description="Its name at GitHub; null: one's own."
    )
    url: str | None = Field(
        None,
        max_length=500,
        description="Of GitHub Enterprise; null: as it is set, else `https://github.com`.",
    )


class SetupBegun(BaseModel):
    """Where the browser that asked is to go now."""

    url: str
