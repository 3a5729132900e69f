"""What repositories are set up with: by a file of their own, and by admins.

`shape` says what either may say, `file` reads the repository's own, `merging` makes of both what a
session gets, `service` keeps what admins say and answers the runners.
"""

from bunkhouse.broker.repository_settings.service import (
    Entry,
    RepositorySettings,
    SessionSettings,
)
from bunkhouse.broker.repository_settings.shape import Limits, Values

__all__ = ["Entry", "Limits", "RepositorySettings", "SessionSettings", "Values"]
