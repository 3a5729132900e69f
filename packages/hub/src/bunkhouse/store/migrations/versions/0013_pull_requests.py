"""The pull request of a session."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("pull_request", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("sessions", sa.Column("pull_request_key", sa.Text(), nullable=True))
    op.create_index(op.f("ix_sessions_pull_request_key"), "sessions", ["pull_request_key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_sessions_pull_request_key"), table_name="sessions")
    op.drop_column("sessions", "pull_request_key")
    op.drop_column("sessions", "pull_request")
