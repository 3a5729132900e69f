"""Going back to before a turn, and forward again.

`checkpoints` remembers the workspace and its repository before each turn and puts them back;
`rewinding` goes back and forth between them, together with the agent.
"""

from bunkhouse_runner.rewinding.rewinding import Rewinding

__all__ = ["Rewinding"]
