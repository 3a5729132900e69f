"""The tables. A change here comes with a migration in `migrations/versions`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    text,
    true,
)
from sqlalchemy import Text as AnyText

from bunkhouse.store import encoding

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Text(TypeDecorator[str]):
    """Text of any length, without NUL: see `encoding`."""

    impl = AnyText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As it is stored."""
        return None if value is None else encoding.text(value)


class Moment(TypeDecorator[datetime]):
    """A point in time. SQLite keeps no time zone, Postgres gives its own; here all are in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; SQLite then drops the zone."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Back to an aware time."""
        if value is None or value.tzinfo is None:
            return value and value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


sessions = Table(
    "sessions",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("state_reason", Text),
    Column("repository", Text),  # as shown to people
    Column("repository_door", Text),  # its path behind the git door
    Column("branch", Text),
    Column("base_commit", String(64)),
    Column("model", Text, nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("author_id", String(32), nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False, index=True),
    Column("deleted_at", Moment),
    # folds over the log, kept here so that lists need not read it
    Column("last_seq", Integer, nullable=False, default=0),
    Column("activity", Text),
    Column("additions", Integer, nullable=False, default=0),
    Column("deletions", Integer, nullable=False, default=0),
    Column("changed_files", Integer, nullable=False, default=0),
    Column("pending", JSON, nullable=False),  # what is unanswered: request id → kind
    Column("driver", JSON(none_as_null=True)),  # who drives: see `sessions.driving`
    Column("services", JSON(none_as_null=True)),  # what runs beside the agent: name → state, by
    Column("ports", JSON(none_as_null=True)),  # what listens in the sandbox
    # how far people have looked: the last place that a page showed, and when it did
    Column("seen_seq", Integer, nullable=False, server_default="0"),
    Column("seen_at", Moment),
    # the run of frames at the end of the log that is not folded yet
    Column("run_type", String(32)),
    Column("run_key", Text),
    Column("run_seq", Integer),
    # the runner's spool
    Column("spool_id", String(64)),
    Column("spool_acked", Integer, nullable=False, default=0),
    Column("sandbox_id", String(32)),
    # when it came to its state; and what is kept of it while it has no sandbox that runs
    Column("state_at", Moment),  # null in rows of before there was this column
    Column("hibernate_after", Integer),  # seconds; null: the installation's
    Column("snapshot_id", String(32)),  # its files, to make a sandbox of when it has none
    Column("kept_bytes", BigInteger),
    Column("kept_until", Moment),
    Column("rewind", JSON(none_as_null=True)),  # how far it is rewound, or is to be
    Column("forked_from", JSON(none_as_null=True)),  # of which session it began as a copy
    Column("visibility", String(16), nullable=False, server_default="joinable"),
    Column("work_branch", Text),  # its own at the forge; null: it may not push
    Column("pull_request", JSON(none_as_null=True)),  # of its branch, as far as we heard of it
    Column("pull_request_key", Text, index=True),  # `host/owner/name#number`, in small letters
    Column("set_up", JSON(none_as_null=True)),  # how its repository was set up; null: not yet
    Column("model_chosen", Boolean, nullable=False, server_default=true()),  # by a person
    Column("parent_id", String(16), index=True),  # the session that it was started within
    Column("ends_after", JSON(none_as_null=True)),  # the turn after which it is to end, and why
    # who is working on it outside the database, and until when
    Column("lease_owner", String(32)),
    Column("lease_until", Float),
)

events = Table(
    "events",
    metadata,
    Column("session_id", String(16), ForeignKey("sessions.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("first_seq", Integer, nullable=False),  # below seq: a folded run of frames
    Column("type", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_with_rowid=False,
)

prompts = Table(
    "prompts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("session_id", String(16), ForeignKey("sessions.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("author_id", String(32), nullable=False),
    Column("author", Text, nullable=False),
    Column("model", Text),
    Column("kind", String(16), nullable=False, server_default="prompt"),
    Column("attachments", JSON, nullable=False, server_default="[]"),
    Column("retry_of", String(32)),  # the prompt that it repeats
    Column("state", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("session_id", String(16), ForeignKey("sessions.id"), nullable=False, index=True),
    Column("command", JSON, nullable=False),
    sqlite_autoincrement=True,  # a position is never given twice: senders go by it
)

sandboxes = Table(
    "sandboxes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("session_id", String(16), ForeignKey("sessions.id"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("destroyed_at", Moment),
    Column("snapshot_id", String(32)),  # what it was made of, where that was no image
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", String(32), primary_key=True),
    # for whom it is kept, and of which sandbox it is (which may be another session's)
    Column("session_id", String(16), ForeignKey("sessions.id"), nullable=False, index=True),
    Column("sandbox_id", String(32), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("bytes", BigInteger),  # with those that it stands on; null: it is not made yet
)

users = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("deactivated_at", Moment),  # may not sign in any more
    Column("signed_in_at", Moment),  # when a browser was first signed in as them
)

participants = Table(
    "participants",
    metadata,
    Column("session_id", String(16), ForeignKey("sessions.id"), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), primary_key=True, index=True),
    Column("role", String(16), nullable=False),
    Column("added_by", String(32)),
    Column("created_at", Moment, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("provider", String(32), nullable=False),  # the settings' name of it
    Column("issuer", String(255), nullable=False),  # who vouches, whatever it is called here
    Column("subject", String(255), nullable=False),  # the issuer's own id of the account
    Column("login", Text),
    Column("name", Text),
    Column("email", Text),
    Column("avatar_url", Text),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Index("uq_identities_account", "issuer", "subject", unique=True),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("next_path", Text, nullable=False),
    Column("link_to", String(32), ForeignKey("users.id")),  # whose further account it is to be
    Column("expires_at", Moment, nullable=False, index=True),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person_id", String(32), ForeignKey("users.id"), primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("value", JSON, nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("person_id", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),  # as the client chose it
    Column("request", String(64), nullable=False),  # hash of what was asked
    Column("answer", JSON, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("last_seen_at", Moment),
    # The part of its cookie that is replaced: what it is (null: has none yet), what the next one is
    # made with, and the hashes of that and of the one before.
    Column("secret_hash", String(64)),
    Column("seed", String(64)),
    Column("next_hash", String(64)),
    Column("previous_hash", String(64)),
    Column("rotated_at", Moment),
    Column("device", Text),
    Column("address", Text),
    Column("ended_at", Moment),  # since when it is known that there is a copy of its cookie
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
    # Those of before there were scopes have them all, and last.
    Column(
        "scopes",
        JSON,
        nullable=False,
        server_default='["read", "sessions", "account", "admin"]',
    ),
    Column("expires_at", Moment),
)

login_links = Table(
    "login_links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("user_id", String(32), ForeignKey("users.id")),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)

invites = Table(
    "invites",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("email", Text),  # in lower case; whose alone it is
    Column("uses_left", Integer, nullable=False),
    Column("created_by", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

share_links = Table(
    "share_links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("session_id", String(16), ForeignKey("sessions.id"), nullable=False, index=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("public", Boolean, nullable=False),
    Column("uses_left", Integer),  # null: any number
    Column("created_by", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False),
    Column("forge", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("account_id", String(64), nullable=False),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("access_token", Text, nullable=False),  # sealed by the vault, as is the next
    Column("refresh_token", Text),
    Column("expires_at", Moment),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("revoked_at", Moment),  # since when the forge does not take it
)

github_apps = Table(
    "github_apps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", Text, nullable=False),  # of the GitHub that it is at
    Column("app_id", String(32), nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("owned_by_organization", Boolean, nullable=False),
    Column("html_url", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", Text, nullable=False),  # sealed by the vault, as are the next two
    Column("webhook_secret", Text),
    Column("private_key", Text, nullable=False),
    Column("created_by", String(32), ForeignKey("users.id"), nullable=False),
    Column("created_at", Moment, nullable=False),
)

github_app_setups = Table(
    "github_app_setups",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("organization", Text),
    Column("hub", Text, nullable=False),  # its origin, as the App is told it
    Column("expires_at", Moment, nullable=False, index=True),
)

repository_settings = Table(
    "repository_settings",
    metadata,
    Column("repository", String(2048), primary_key=True),  # in the form of all its spellings
    Column("settings", JSON, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", Text, nullable=False),
)

Index("uq_grants_user_host", grants.c.user_id, grants.c.host, unique=True)
Index("ix_prompts_queue", prompts.c.session_id, prompts.c.state, prompts.c.position)

STANDING = text(
    "type NOT IN ('agent_message_chunk', 'agent_thought_chunk', 'tool_output_chunk', "
    "'tool_call', 'tool_call_update', 'message_retracted')"
)
"""Which events an index by type is kept of. Queries must say it word for word to be given it."""

Index(
    "ix_events_standing",
    events.c.session_id,
    events.c.type,
    events.c.seq,
    sqlite_where=STANDING,
    postgresql_where=STANDING,
)
