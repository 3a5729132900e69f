"""Since when a session is in its state, when it goes to sleep, and what is kept of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("state_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("hibernate_after", sa.Integer(), nullable=True))
    op.add_column("sessions", sa.Column("snapshot_id", sa.String(length=32), nullable=True))
    op.add_column("sessions", sa.Column("kept_bytes", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("kept_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sandboxes", sa.Column("snapshot_id", sa.String(length=32), nullable=True))
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=16), nullable=False),
        sa.Column("sandbox_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_snapshots_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_snapshots_session_id"), ["session_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_snapshots_session_id"))
    op.drop_table("snapshots")
    op.drop_column("sandboxes", "snapshot_id")
    for name in ("kept_until", "kept_bytes", "snapshot_id", "hibernate_after", "state_at"):
        op.drop_column("sessions", name)
