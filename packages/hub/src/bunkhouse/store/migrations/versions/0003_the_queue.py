"""Attachments of prompts, and the answers that idempotency keys stand for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("prompts") as batch:
        batch.add_column(sa.Column("attachments", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "answers",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "key", name=op.f("pk_answers")),
    )
    with op.batch_alter_table("answers") as batch:
        batch.create_index(op.f("ix_answers_created_at"), ["created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("answers")
    with op.batch_alter_table("prompts") as batch:
        batch.drop_column("attachments")
