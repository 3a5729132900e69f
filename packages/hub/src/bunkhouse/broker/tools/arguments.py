"""What the tools are called with. Each model is its tool's JSON schema, descriptions included."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bunkhouse.errors import InvalidInput

Choice = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

WAIT_SECONDS_MOST = 900


class Arguments(BaseModel):
    """What a model sends: no unknown fields. That its texts are Unicode, the door has seen to."""

    model_config = ConfigDict(extra="forbid")


class OpenPullRequest(Arguments):
    """Of `open_pull_request`."""

    title: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="Its title. Needed for a new one; without it an open one keeps its own.",
    )
    body: str | None = Field(
        None,
        max_length=65_536,
        description="Its description in Markdown: what was changed and why, and how it was tested.",
    )
    draft: bool = Field(False, description="A new one is not ready for review yet.")


class PullRequestStatus(Arguments):
    """Of `pull_request_status`."""


class PostScreenshot(Arguments):
    """Of `post_screenshot`."""

    path: str | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="A PNG, JPEG, WebP or GIF file: an absolute path, or one of the workspace.",
    )
    png: str | None = Field(
        None, min_length=1, description="The picture itself in base64, where it is in no file."
    )
    caption: str = Field("", max_length=500, description="What is to be seen on it.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.png is None):
            raise ValueError("Give one of `path` and `png`")
        if "\0" in (self.path or ""):
            raise ValueError("No path has a NUL in it")
        return self


class AskPerson(Arguments):
    """Of `ask_person`."""

    question: str = Field(
        min_length=1,
        max_length=4000,
        description="The question, with all that is needed to answer it.",
    )
    choices: list[Choice] = Field(
        default_factory=list[str],
        max_length=10,
        description="Answers to choose from. People may also answer in their own words.",
    )


class StartSession(Arguments):
    """Of `start_session`."""

    prompt: str = Field(
        min_length=1,
        description="The task, complete in itself: the new session's agent knows nothing of this "
        "conversation.",
    )
    title: str | None = Field(None, min_length=1, max_length=200, description="A short name.")


class ReadSession(Arguments):
    """Of `read_session`."""

    session_id: str = Field(
        min_length=1,
        max_length=64,
        pattern="^[A-Za-z0-9_-]+$",
        description="The id that `start_session` returned.",
    )
    wait_seconds: int = Field(
        0,
        ge=0,
        le=WAIT_SECONDS_MOST,
        description="Wait so long at most for it to come to rest, rather than ask again and again.",
    )


class EndSession(Arguments):
    """Of `end_session`."""


def schema_of(model: type[Arguments]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments, without the names that only we use."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    schema.setdefault("properties", {})
    for each in schema["properties"].values():
        each.pop("title", None)
    return schema


def wrong(errors: list[Any]) -> InvalidInput:
    """The error for arguments that are none: where and what, in one sentence."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"])
    said = str(first["msg"]).removeprefix("Value error, ")
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return InvalidInput(
        f"The arguments are wrong: {f'`{where}`: ' if where else ''}{said}{more}.",
        remedy="Call it again as its schema says.",
        code="invalid_arguments",
    )
