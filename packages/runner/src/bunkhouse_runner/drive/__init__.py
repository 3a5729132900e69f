"""A person drives: what the workspace was when they began, and what they did since.

`snapshots` remembers the workspace as a git tree, `journal` reads which commands were run, and
`drive` puts both together.
"""

from bunkhouse_runner.drive.drive import Drive

__all__ = ["Drive"]
