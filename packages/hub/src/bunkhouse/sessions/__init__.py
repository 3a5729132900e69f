"""Sessions: life cycle, prompt queue, turns, event log, runners' links, reconcilers.

`service.Sessions` is what people do with sessions; `links.Links` is where runners connect;
`knocking.Knocking` is what the broker's doors ask; `reconciler.Reconciler` sees to it that each
session gets to where its state says it is going.
"""

from bunkhouse.sessions.journal import Journal
from bunkhouse.sessions.knocking import Knocking
from bunkhouse.sessions.links import Links
from bunkhouse.sessions.service import Sessions
from bunkhouse.sessions.specs import Specs
from bunkhouse.sessions.views import NewSession, PromptView, SandboxIdentity, SessionView

__all__ = [
    "Journal",
    "Knocking",
    "Links",
    "NewSession",
    "PromptView",
    "SandboxIdentity",
    "SessionView",
    "Sessions",
    "Specs",
]
