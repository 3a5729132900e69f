"""What people find beside the agent: the editor, the desktop with its browser, ports, memory.

Nothing here runs until somebody asks for it, and what nobody uses is stopped (`service`).
"""

from bunkhouse_runner.environment.environment import Environment

__all__ = ["Environment"]
