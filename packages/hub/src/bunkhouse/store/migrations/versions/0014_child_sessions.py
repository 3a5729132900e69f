"""Sessions that were started within another, and those that end after their turn."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("parent_id", sa.String(16), nullable=True))
    op.create_index(op.f("ix_sessions_parent_id"), "sessions", ["parent_id"])
    op.add_column("sessions", sa.Column("ends_after", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "ends_after")
    op.drop_index(op.f("ix_sessions_parent_id"), table_name="sessions")
    op.drop_column("sessions", "parent_id")
