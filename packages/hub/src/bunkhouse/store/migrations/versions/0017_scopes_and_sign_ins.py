"""Tokens are made for something, and for a time; browsers' secrets are replaced while in use."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BROWSERS = (
    ("secret_hash", sa.String(length=64)),
    ("seed", sa.String(length=64)),
    ("next_hash", sa.String(length=64)),
    ("previous_hash", sa.String(length=64)),
    ("rotated_at", sa.DateTime(timezone=True)),
    ("device", sa.Text()),
    ("address", sa.Text()),
    ("ended_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    # Until now a token could do all that its person can, for ever: those that there are still can.
    op.add_column(
        "api_tokens",
        sa.Column(
            "scopes",
            sa.JSON(),
            nullable=False,
            server_default='["read", "sessions", "account", "admin"]',
        ),
    )
    op.add_column("api_tokens", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    for name, kind in BROWSERS:
        op.add_column("browser_sessions", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name, _ in reversed(BROWSERS):
        op.drop_column("browser_sessions", name)
    op.drop_column("api_tokens", "expires_at")
    op.drop_column("api_tokens", "scopes")
