"""The process inside each sandbox: it dials the hub, drives the agent and reports what happens."""

from importlib.metadata import version

__version__ = version("bunkhouse-runner")
