"""Who drives, what runs beside the agent, prompts of the hub's own, and people's preferences."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("driver", "services", "ports"):
        op.add_column("sessions", sa.Column(name, sa.JSON(), nullable=True))
    op.add_column(
        "prompts",
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="prompt"),
    )
    op.create_table(
        "preferences",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_preferences_person_id")),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_preferences")),
    )


def downgrade() -> None:
    op.drop_table("preferences")
    op.drop_column("prompts", "kind")
    for name in ("ports", "services", "driver"):
        op.drop_column("sessions", name)
