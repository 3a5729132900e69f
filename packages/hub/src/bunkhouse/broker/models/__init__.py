"""The models door: model providers, as a sandbox sees them.

- `providers`: which providers there are, which are on, and what a model's name means.
- `door`: relays a sandbox's request to a provider, with the real key put in on the way.
- `dialects`: what differs between the APIs of OpenAI, Anthropic and Gemini.
- `credentials`: what is taken off a request and an answer, and what is put on.
- `metering`: reads usage and the proper end out of a stream that passes by.
- `problems`: what went wrong, in a sentence for the session's log.
"""

from bunkhouse.broker.models.door import ModelsDoor
from bunkhouse.broker.models.problems import Notes
from bunkhouse.broker.models.providers import Dialect, KnownModel, Provider, Providers

__all__ = ["Dialect", "KnownModel", "ModelsDoor", "Notes", "Provider", "Providers"]
