"""The GitHub App of an installation, and setting one up."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "github_apps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("app_id", sa.String(length=32), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owned_by_organization", sa.Boolean(), nullable=False),
        sa.Column("html_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("webhook_secret", sa.Text(), nullable=True),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_github_apps_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_github_apps")),
    )
    op.create_table(
        "github_app_setups",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("organization", sa.Text(), nullable=True),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_github_app_setups_user_id")
        ),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_github_app_setups")),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(op.f(f"ix_github_app_setups_{column}"), "github_app_setups", [column])


def downgrade() -> None:
    for column in ("user_id", "expires_at"):
        op.drop_index(op.f(f"ix_github_app_setups_{column}"), table_name="github_app_setups")
    op.drop_table("github_app_setups")
    op.drop_table("github_apps")
