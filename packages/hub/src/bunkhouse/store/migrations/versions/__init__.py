"""Alembic's revisions of the tables, applied when the hub opens its database."""
