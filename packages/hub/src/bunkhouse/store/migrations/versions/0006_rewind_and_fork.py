"""How far a session is rewound, and of which other one it began as a copy."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("rewind", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("sessions", sa.Column("forked_from", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "forked_from")
    op.drop_column("sessions", "rewind")
