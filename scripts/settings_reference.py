"""Writes the tables of docs/reference/settings.md from the settings themselves.

`.venv/bin/python scripts/settings_reference.py` rewrites the part of the page between the two
marks; a test fails where the page is not what this would write.
"""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from bunkhouse.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "The hub",
        (
            "host",
            "port",
            "data_dir",
            "database_url",
            "database_connections",
            "public_url",
            "log_level",
        ),
    ),
    (
        "People",
        (
            "cookie_days",
            "cookie_rotate_minutes",
            "cookie_grace_seconds",
            "link_minutes",
            "invite_days",
            "invite_days_most",
            "invite_uses_most",
            "token_days",
            "token_days_most",
            "token_never_expires",
            "share_days",
            "share_days_most",
            "share_uses_most",
            "share_links",
            "public_links",
            "session_visibility",
        ),
    ),
    (
        "Sign-in",
        (
            "sign_up",
            "sign_up_domains",
            "sign_up_emails",
            "sign_in_minutes",
            "sign_in_attempts",
            "sign_in_tries",
            "sign_in_tries_total",
            "sign_in_tries_seconds",
            "sign_in_begins",
            "sign_in_seconds",
            "github_url",
            "github_client_id",
            "github_client_secret",
            "github_scopes",
            "google_client_id",
            "google_client_secret",
            "google_issuer",
            "oidc_name",
            "oidc_issuer",
            "oidc_client_id",
            "oidc_client_secret",
            "oidc_scopes",
        ),
    ),
    (
        "What sandboxes show to browsers",
        ("apps_domain", "apps_ports", "app_cookie_minutes", "app_ticket_seconds"),
    ),
    (
        "Sessions",
        (
            "max_sandboxes",
            "max_sandboxes_per_person",
            "max_sessions",
            "max_sessions_per_person",
            "max_children",
            "max_child_depth",
            "ask_seconds",
            "prompt_bytes",
            "comment_bytes",
            "event_bytes",
            "diff_bytes",
            "blob_bytes",
            "output_bytes",
            "whole_output_bytes",
            "session_blobs_bytes",
            "session_blobs",
            "attachment_bytes",
            "attachment_text_bytes",
            "prompt_attachments",
            "upload_hours",
            "idempotency_hours",
            "min_free_bytes",
            "connect_seconds",
            "setup_seconds",
            "turn_stall_seconds",
            "tool_stall_seconds",
            "service_idle_seconds",
            "hibernate_after",
            "hibernate_for_room",
            "stop_seconds",
            "snapshot_days",
            "retention_days",
            "default_model",
        ),
    ),
    (
        "What repositories are set up with",
        (
            "config_bytes",
            "set_up_commands",
            "set_up_command_characters",
            "set_up_commands_seconds",
            "set_up_variables",
            "set_up_value_characters",
            "set_up_hosts",
        ),
    ),
    (
        "Sandboxes",
        (
            "engine",
            "hub_url_for_sandboxes",
            "sandbox_memory",
            "sandbox_cpus",
            "sandbox_pids",
            "image",
            "repository_roots",
        ),
    ),
    (
        "Forges",
        (
            "github_url",
            "github_client_id",
            "github_client_secret",
            "branch_template",
            "forge_text_bytes",
            "github_webhook_secret",
            "github_setup_minutes",
            "webhook_bytes",
            "co_author",
            "push_bytes",
            "push_seconds",
            "vault_key",
        ),
    ),
    ("What sandboxes may reach", ("egress", "egress_allow", "egress_connections")),
    (
        "Models",
        (
            "anthropic_api_key",
            "anthropic_base_url",
            "openai_api_key",
            "openai_base_url",
            "gemini_api_key",
            "gemini_base_url",
            "demo",
            "demo_words_per_second",
            "model_connect_seconds",
            "model_idle_seconds",
        ),
    ),
)
"""In which order the page has them. One that is in none of these comes last, under "Others"."""

_DEFAULTS = {"data_dir": "`$XDG_DATA_HOME/bunkhouse`, else `~/.local/share/bunkhouse`"}
"""Defaults that depend on the machine."""

_UNITS = {
    "bytes": "bytes",
    "memory": "bytes",
    "seconds": "seconds",
    "minutes": "minutes",
    "days": "days",
    "cpus": "processors",
}
"""By the last word of the name."""


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    return str(field.validation_alias or f"BUNKHOUSE_{name.upper()}")


def default(name: str, field: FieldInfo) -> str:
    """A setting's default, as the page shows it."""
    value = field.get_default(call_default_factory=True)
    if name in _DEFAULTS:
        said = _DEFAULTS[name]
    elif value is None:
        said = "not set"
    elif value == []:
        said = "empty"
    elif isinstance(value, bool):
        said = f"`{str(value).lower()}`"
    elif isinstance(value, float):
        said = f"`{value:g}`"
    elif _unit(name) == "bytes":
        said = f"`{value}` ({_size(value)})"
    else:
        said = f"`{value}`"
    return said


def takes(name: str, field: FieldInfo) -> str:
    """What a setting can be, and its unit."""
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return " · ".join(f"`{choice}`" for choice in get_args(kind))
    words = {
        bool: "`true` · `false`",
        int: "whole number",
        float: "number",
        Path: "folder",
        str: "text",
    }
    said = "list" if get_origin(kind) is list else words.get(kind, "secret")
    unit = _unit(name)
    if unit is None:
        return said
    return unit if kind is int else f"{said}, {unit}"


def render() -> str:
    """The part of the page that is made here."""
    fields = Settings.model_fields
    grouped = {name for _, names in GROUPS for name in names}
    others = tuple(name for name in fields if name not in grouped)
    parts: list[str] = []
    for title, names in (*GROUPS, *((("Others", others),) if others else ())):
        parts += [
            f"## {title}",
            "",
            "| Variable | Takes | Default | Meaning |",
            "|---|---|---|---|",
        ]
        for name in names:
            field = fields[name]
            cells = (
                f"`{variable(name, field)}`",
                takes(name, field),
                default(name, field),
                (field.description or "").replace("|", "\\|"),
            )
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def rewritten(page: str) -> str:
    """The page with its tables made anew."""
    made = f"{BEGIN}\n\n{render()}\n\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: made, page, flags=re.DOTALL)


def _without_none(annotation: Any) -> Any:
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    optional = type(None) in get_args(annotation)
    return kinds[0] if optional and len(kinds) == 1 else annotation


def _unit(name: str) -> str | None:
    return _UNITS.get(name.rpartition("_")[2])


def _size(value: int) -> str:
    for unit, factor in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} bytes"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
