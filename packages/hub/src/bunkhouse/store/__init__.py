"""The store: tables, queries and migrations. The only room that knows SQL.

`database` opens it and hands out transactions; `sessions`, `log`, `prompts`, `outbox`, `sandboxes`,
`people` and `identities` hold the queries, as functions that take a transaction.
"""

from bunkhouse.store.connections import Transaction
from bunkhouse.store.database import Database, Place

__all__ = ["Database", "Place", "Transaction"]
