"""The way out of a sandbox: who may reach what (`policy`), and the door that connects (`door`)."""

from bunkhouse.broker.egress.door import EgressDoor
from bunkhouse.broker.egress.policy import Policy
from bunkhouse.broker.egress.reach import Reach

__all__ = ["EgressDoor", "Policy", "Reach"]
