"""An index by type of what stands at a place of a log, and up to where people have looked."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STANDING = sa.text(
    "type NOT IN ('agent_message_chunk', 'agent_thought_chunk', 'tool_output_chunk', "
    "'tool_call', 'tool_call_update', 'message_retracted')"
)


def upgrade() -> None:
    op.create_index(
        "ix_events_standing",
        "events",
        ["session_id", "type", "seq"],
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )
    op.add_column(
        "sessions", sa.Column("seen_seq", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("sessions", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "seen_at")
    op.drop_column("sessions", "seen_seq")
    op.drop_index("ix_events_standing", "events")
