"""Tokens are made for something, and for a time; browsers' secrets are replaced while in use."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0013"
branch_labels = None
depends_on = None


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


def downgrade() -> None:
    op.drop_column("api_tokens", "expires_at")
    op.drop_column("api_tokens", "scopes")
