"""Who may see a session, who takes part in it, and who is here no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until now everybody could do everything in every session: in those that there are, they still
    # can.
    op.add_column(
        "sessions",
        sa.Column("visibility", sa.String(length=16), nullable=False, server_default="joinable"),
    )
    op.add_column("users", sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "participants",
        sa.Column("session_id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("added_by", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_participants_session_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_participants_user_id")),
        sa.PrimaryKeyConstraint("session_id", "user_id", name=op.f("pk_participants")),
    )
    op.create_index(op.f("ix_participants_user_id"), "participants", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_participants_user_id"), table_name="participants")
    op.drop_table("participants")
    op.drop_column("users", "deactivated_at")
    op.drop_column("sessions", "visibility")
