"""Settings: environment variables `BUNKHOUSE_*`, or the same names in a `.env` file.

The reference page of the documentation lists every one of them; a test fails where one is missing.
Provider keys keep the names that the field uses (`ANTHROPIC_API_KEY`, …).
"""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from bunkhouse.access_settings import AccessSettings

MEBIBYTE = 1024 * 1024


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "bunkhouse"


class Settings(AccessSettings):
    """All that an installation can set. Sizes are in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="BUNKHOUSE_", env_file=".env", extra="ignore")

    host: str = Field("127.0.0.1", description="Address that the hub listens on.")
    port: int = Field(8787, ge=0, le=65535, description="Port of the hub; 0 takes a free one.")
    data_dir: Path = Field(
        default_factory=_default_data_dir,
        description="Folder of the database, the sockets and the files of this installation.",
    )
    public_url: str | None = Field(
        None, description="URL under which people reach the hub, where a proxy stands before it."
    )
    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://USER:PASSWORD@HOST/DATABASE`, as libpq takes it: keeps sessions "
        "and people in Postgres. Unset: SQLite in the data folder.",
    )
    database_connections: int = Field(
        16, ge=2, description="Connections to Postgres at once: half to read, half to write."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much the hub writes to its terminal."
    )

    # people
    session_visibility: Literal["private", "visible", "joinable"] = Field(
        "private",
        description="Who but its participants may see a new session: `private` nobody, `visible` "
        "all may look, `joinable` all may work in it. Its owner can change it.",
    )

    # sign-in
    sign_up: Literal["open", "invited", "domains", "listed", "closed"] = Field(
        "invited",
        description="Who becomes a person here by signing in with one of the providers below: "
        "everybody, whoever is invited, whoever has a verified e-mail address of a domain or on a "
        "list, or nobody. The first to sign in becomes admin.",
    )
    sign_up_domains: Annotated[list[str], NoDecode] = Field(
        default_factory=list[str],
        description="Domains (separated by `,`) whose addresses are let in by "
        "`BUNKHOUSE_SIGN_UP=domains`; none below them.",
    )
    sign_up_emails: Annotated[list[str], NoDecode] = Field(
        default_factory=list[str],
        description="Addresses (separated by `,`) that are let in by `BUNKHOUSE_SIGN_UP=listed`.",
    )
    sign_in_minutes: float = Field(
        10.0, gt=0, description="Minutes in which somebody must be back from a provider."
    )
    sign_in_attempts: int = Field(
        10_000, ge=1, description="How many may be under way to a provider at once."
    )
    sign_in_seconds: float = Field(
        10.0, gt=0, description="How long a provider may take to answer the hub."
    )
    github_scopes: str = Field(
        "read:user user:email",
        description="What people are asked to allow the hub when they sign in with GitHub; with "
        "`repo` as well, the hub clones and pushes for them from then on.",
    )
    google_client_id: str | None = Field(
        None, description="Client id at Google: switches sign-in with Google on."
    )
    google_client_secret: SecretStr | None = Field(None, description="Its client secret.")
    google_issuer: str = Field(
        "https://accounts.google.com", description="Where Google is; another one for tests alone."
    )
    oidc_name: str = Field(
        "OpenID Connect", description="What people call the provider at `BUNKHOUSE_OIDC_ISSUER`."
    )
    oidc_issuer: str | None = Field(
        None,
        description="Issuer of an OpenID Connect provider, exactly as it calls itself: switches "
        "sign-in with it on.",
    )
    oidc_client_id: str | None = Field(None, description="Client id there.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="Client secret there; unset for a client that has none."
    )
    oidc_scopes: str = Field(
        "openid profile email", description="What is asked for there; with `openid`."
    )

    # what sandboxes show to browsers
    apps_domain: str | None = Field(
        None,
        description="Domain below which every app of every session has an origin of its own: "
        "`5173--SESSION.apps.example.org`. Default: `bunkhouse.localhost` where the hub is reached "
        "on loopback; elsewhere it needs a wildcard DNS record and certificate.",
    )
    apps_ports: str | None = Field(
        None,
        description="Ports of the hub's host that stand in for those names where there is no "
        "such domain, `8800-8899`: one for each view at once. Weaker; see the documentation.",
    )
    app_cookie_minutes: int = Field(
        60, ge=1, description="Minutes for which an app that is open and unused needs no new leave."
    )
    app_ticket_seconds: float = Field(
        30.0, gt=0, description="How long an address with a ticket is good, once."
    )

    # sessions
    max_sandboxes: int = Field(
        8, ge=1, description="Sandboxes at once; further sessions wait in `queued`."
    )
    max_sandboxes_per_person: int = Field(
        0,
        ge=0,
        description="Sandboxes at once of sessions that one person started; further ones of theirs "
        "wait. 0: as many as there may be.",
    )
    max_sessions: int = Field(
        5000, ge=1, description="Sessions that have not ended; more are refused."
    )
    max_sessions_per_person: int = Field(
        500, ge=1, description="Sessions that one person started and that have not ended."
    )
    max_child_depth: int = Field(
        2,
        ge=0,
        description="How deep sessions may be started within sessions; 0: not at all.",
    )
    max_children: int = Field(
        8, ge=0, description="Sessions that may be started within one, and are not deleted."
    )
    ask_seconds: float = Field(
        1800.0,
        gt=0,
        description="How long the agent's tool `ask_person` waits for an answer; it gives up "
        "before `BUNKHOUSE_TOOL_STALL_SECONDS` is over.",
    )
    prompt_bytes: int = Field(256 * 1024, ge=1024, description="Largest prompt, in bytes of UTF-8.")
    comment_bytes: int = Field(16 * 1024, ge=1, description="Largest comment, in bytes of UTF-8.")
    event_bytes: int = Field(
        2 * MEBIBYTE,
        ge=MEBIBYTE,
        description="Largest event that a runner may send; runners cut theirs to half of 1 MiB.",
    )
    diff_bytes: int = Field(
        4 * MEBIBYTE, ge=64 * 1024, description="Largest diff that the Changes tab shows."
    )
    blob_bytes: int = Field(
        16 * MEBIBYTE, ge=64 * 1024, description="Largest picture that a sandbox may give."
    )
    output_bytes: int = Field(
        64 * 1024,
        ge=1024,
        le=256 * 1024,
        description="Longest output of a tool in a session's log; of a longer one the log has head "
        "and tail, and the whole of it is kept beside the log.",
    )
    whole_output_bytes: int = Field(
        16 * MEBIBYTE,
        ge=MEBIBYTE,
        description="How much of a longer output is kept; of one that is longer still, head and "
        "tail.",
    )
    session_blobs_bytes: int = Field(
        512 * MEBIBYTE,
        ge=MEBIBYTE,
        description="All pictures, attachments and whole outputs of a session together; also all "
        "files of one person that were uploaded and belong to no prompt yet.",
    )
    session_blobs: int = Field(
        10_000,
        ge=1,
        description="How many pictures, attachments and whole outputs a session may have.",
    )
    attachment_bytes: int = Field(
        8 * MEBIBYTE, ge=64 * 1024, description="Largest picture that can be attached to a prompt."
    )
    attachment_text_bytes: int = Field(
        512 * 1024, ge=1024, description="Largest text file that can be attached to a prompt."
    )
    prompt_attachments: int = Field(8, ge=0, description="Files that one prompt may have.")
    upload_hours: float = Field(
        24.0, gt=0, description="Hours that an uploaded file waits for the prompt it belongs to."
    )
    idempotency_hours: float = Field(
        24.0, gt=0, description="Hours for which an `Idempotency-Key` is remembered."
    )
    min_free_bytes: int = Field(
        512 * MEBIBYTE,
        ge=0,
        description="Free space below which no new work is begun, on the data folder's disk and "
        "where the container engine keeps sandboxes: sessions, wakes and prompts wait until there "
        "is more.",
    )
    connect_seconds: float = Field(
        90.0, gt=0, description="How long a new sandbox may take until its runner has dialled in."
    )
    setup_seconds: float = Field(
        900.0,
        gt=0,
        description="How long cloning and starting the agent may take, without the set-up commands "
        "of a repository.",
    )
    turn_stall_seconds: float = Field(
        600.0,
        gt=0,
        description="How long nothing may be heard of the agent in a turn before the turn is ended "
        "as failed. While it waits for a person's answer, no time passes.",
    )
    tool_stall_seconds: float = Field(
        3600.0,
        gt=0,
        description="The same while a tool runs, from the last that it printed.",
    )
    service_idle_seconds: float = Field(
        900.0,
        gt=0,
        description="How long a sandbox's editor or desktop may be unused before it is stopped.",
    )
    hibernate_after: int = Field(
        1800,
        ge=0,
        description="Seconds after which a session that nobody uses goes to sleep; 0: never. A "
        "session may have a time of its own.",
    )
    hibernate_for_room: bool = Field(
        True,
        description="Where `BUNKHOUSE_MAX_SANDBOXES` is reached, put the session to sleep that was "
        "unused the longest, so that the next one need not wait.",
    )
    stop_seconds: float = Field(
        20.0, gt=0, description="How long a sandbox may take to end what runs in it."
    )
    snapshot_days: int = Field(
        30,
        ge=1,
        description="Days for which the files of a session that was ended are kept, so that it can "
        "be brought back.",
    )
    retention_days: int = Field(
        0,
        ge=0,
        description="Days after which a session that has ended is deleted, with its log and all "
        "its files; 0: never.",
    )
    default_model: str | None = Field(
        None, description="`provider/model` that is chosen at first; else the first provider's."
    )

    # repositories' own settings
    config_bytes: int = Field(
        64 * 1024,
        ge=1024,
        le=MEBIBYTE,
        description="Largest `.bunkhouse/config.toml` of a repository that is read.",
    )
    set_up_commands: int = Field(
        20, ge=0, description="Set-up commands that a repository may have; 0: none are run."
    )
    set_up_command_characters: int = Field(
        4096, ge=1, le=64 * 1024, description="Longest of them, in characters."
    )
    set_up_commands_seconds: float = Field(
        1800.0, gt=0, description="How long the set-up commands of a session may take together."
    )
    set_up_variables: int = Field(
        64, ge=0, le=256, description="Variables of the environment that a repository may set."
    )
    set_up_value_characters: int = Field(
        2048, ge=1, le=4096, description="Longest value of one of them, in characters."
    )
    set_up_hosts: int = Field(
        64, ge=0, description="Entries in a repository's list of what it needs to reach."
    )

    # sandboxes
    engine: str | None = Field(
        None,
        description="Socket of a Docker or Podman API (`unix:///…`). Default: `DOCKER_HOST`, "
        "then the engine that `make` installed, then the usual places.",
    )
    hub_url_for_sandboxes: str | None = Field(
        None,
        description="URL by which sandboxes dial the hub where a Unix socket can't be mounted "
        "(an engine in a virtual machine). Unset: the socket is mounted.",
    )
    sandbox_memory: int = Field(
        4096 * MEBIBYTE, ge=256 * MEBIBYTE, description="Memory of each sandbox."
    )
    sandbox_cpus: float = Field(2.0, gt=0, description="Processors that each sandbox may use.")
    sandbox_pids: int = Field(1024, ge=64, description="Processes and threads of each sandbox.")
    image: str | None = Field(
        None, description="A sandbox image to use as it is, in place of the one built here."
    )
    repository_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=list[Path],
        description="Folders of the hub's machine (separated by `:`) whose repositories everybody "
        "may use; admins may use any folder.",
    )

    # egress
    egress: Literal["open", "allowlist", "off"] = Field(
        "allowlist", description="What sandboxes may reach: all, listed names, or nothing."
    )
    egress_allow: Annotated[list[str], NoDecode] = Field(
        default_factory=list[str],
        description="Names (separated by `,`; `*.example.org` for all below) that sandboxes may "
        "reach besides the package registries that this machine is configured with.",
    )
    egress_connections: int = Field(
        256, ge=1, description="Connections at once out of one sandbox."
    )

    # forges
    github_url: str = Field(
        "https://github.com",
        description="The GitHub of this installation; for GitHub Enterprise Server its address.",
    )
    github_client_id: str | None = Field(
        None,
        description="Client id of the OAuth App or GitHub App as which the hub is known there: "
        "switches sign-in with GitHub on.",
    )
    github_client_secret: SecretStr | None = Field(
        None, description="Its client secret; with both, tokens that end are replaced in time."
    )
    github_webhook_secret: SecretStr | None = Field(
        None,
        description="Secret with which GitHub signs its webhooks. Unset: none are taken, and how a "
        "pull request is has to be asked for.",
    )
    github_setup_minutes: float = Field(
        60.0,
        gt=0,
        description="Minutes that setting up a GitHub App from the page may take; GitHub itself "
        "gives an hour.",
    )
    webhook_bytes: int = Field(5 * MEBIBYTE, gt=0, description="Largest webhook.")
    vault_key: SecretStr | None = Field(
        None,
        description="Key that encrypts tokens of other services in the store: 32 bytes as base64, "
        "older ones behind it, separated by `,`. Unset: `vault.key` in the data folder.",
    )
    forge_text_bytes: int = Field(
        64 * 1024,
        ge=1024,
        description="How much of an issue or a pull request, in bytes of UTF-8, is quoted in the "
        "first prompt of a session that starts from it; never more than half of "
        "`BUNKHOUSE_PROMPT_BYTES`.",
    )
    branch_template: str = Field(
        "bunkhouse/{slug}-{id}",
        description="Name of a session's own branch: `{slug}` is of its title, and `{id}`, which "
        "must be in it, is the session's.",
    )
    co_author: str = Field(
        "Bunkhouse <agent@users.noreply.bunkhouse.invalid>",
        description="Who is named as co-author in commits of agents' turns; empty: nobody.",
    )
    push_bytes: int = Field(
        512 * MEBIBYTE, ge=MEBIBYTE, description="Largest push that a sandbox may make."
    )
    push_seconds: float = Field(
        300.0, gt=0, description="How long the hub may look into what is pushed, step by step."
    )

    # models
    demo: bool = Field(True, description="Offer the built-in scripted demo model.")
    demo_words_per_second: float = Field(60.0, gt=0, description="How fast the demo model speaks.")
    model_connect_seconds: float = Field(
        15.0, gt=0, description="How long a model provider may take to accept a connection."
    )
    model_idle_seconds: float = Field(
        300.0, gt=0, description="How long a model may be silent within an answer."
    )
    anthropic_api_key: SecretStr | None = Field(
        None, validation_alias="ANTHROPIC_API_KEY", description="Switches Anthropic on."
    )
    anthropic_base_url: str = Field(
        "https://api.anthropic.com",
        validation_alias="ANTHROPIC_BASE_URL",
        description="Where Anthropic's API is.",
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="Switches OpenAI on."
    )
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        validation_alias="OPENAI_BASE_URL",
        description="Where OpenAI's API is, or one that speaks like it (Ollama, vLLM); with this "
        "set, the key may be left out.",
    )
    gemini_api_key: SecretStr | None = Field(
        None, validation_alias="GEMINI_API_KEY", description="Switches Gemini on."
    )
    gemini_base_url: str = Field(
        "https://generativelanguage.googleapis.com",
        validation_alias="GEMINI_BASE_URL",
        description="Where Gemini's API is.",
    )

    @field_validator("apps_domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        if not value:
            return None
        label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
        if not re.fullmatch(rf"{label}(\.{label})*", value.lower()):
            raise ValueError("give a domain such as apps.example.org, without port or *")
        return value.lower()

    @field_validator("oidc_scopes")
    @classmethod
    def _with_openid(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("without `openid` among them nobody says who somebody is")
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        given = "" if value is None else value.get_secret_value().strip()
        if given and not given.startswith(("postgresql://", "postgres://")):
            raise ValueError("it begins with postgresql://")
        return SecretStr(given) if given else None

    @field_validator("branch_template")
    @classmethod
    def _names_branches(cls, value: str) -> str:
        try:
            filled = value.format(slug="slug", id="id")
        except (KeyError, IndexError, ValueError, AttributeError):
            filled = ""
        part = r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?"
        fits = re.fullmatch(rf"{part}(/{part})*", filled)
        if "{id}" not in value or not fits or ".." in filled or ".lock/" in f"{filled}/":
            raise ValueError("give a name of a branch with {id} in it, such as work/{slug}-{id}")
        return value

    @field_validator("co_author")
    @classmethod
    def _person(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^<>\n]+ <[^<>\s]+@[^<>\s]+>", value):
            raise ValueError("give it as `Name <name@example.org>`, or leave it empty")
        return value

    @field_validator(
        "repository_roots", "egress_allow", "sign_up_domains", "sign_up_emails", mode="before"
    )
    @classmethod
    def _split(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        separator = ":" if info.field_name == "repository_roots" else ","
        return [part.strip() for part in value.split(separator) if part.strip()]

    @cached_property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "bunkhouse.db"

    @property
    def database(self) -> Path | str:
        """Where the store is: the SQLite file, or the URL of Postgres."""
        return self.database_url.get_secret_value() if self.database_url else self.database_path

    @cached_property
    def run_dir(self) -> Path:
        """Parent of the folders that are mounted into sandboxes."""
        return self.data_dir / "run"
