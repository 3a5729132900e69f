"""What repositories are set up with."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "repository_settings",
        sa.Column("repository", sa.String(length=2048), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("repository", name=op.f("pk_repository_settings")),
    )
    op.add_column("sessions", sa.Column("set_up", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "sessions",
        # Of those that are there nobody knows any more, so they keep the model that they have.
        sa.Column("model_chosen", sa.Boolean(), nullable=False, server_default=sa.true()),
    )


def downgrade() -> None:
    op.drop_column("sessions", "model_chosen")
    op.drop_column("sessions", "set_up")
    op.drop_table("repository_settings")
