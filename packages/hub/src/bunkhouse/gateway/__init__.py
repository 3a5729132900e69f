"""The way from a browser to what listens in a sandbox: its editor and its ports.

Each (session, app) has an origin of its own, since its content is written by a hostile program:

- `origins`, `allotted`: which origin is whose, by host name or by port;
- `passes`: one-time tickets, and the signed cookie that an origin gets for one;
- `guard`: which requests a browser may make there; `headers`: what both sides get to see;
- `wire`, `exchange`: one HTTP request on one stream; `tunnel`: WebSockets, unparsed;
- `apps`: makes views and asks who may look; `proxy`: the ASGI application before the hub's own.

What is kept (tickets, allotted ports) is in the memory of one hub; several hubs will want it in
the store.
"""

from bunkhouse.gateway.apps import Apps, View
from bunkhouse.gateway.enter import enter_router
from bunkhouse.gateway.proxy import Gateway
from bunkhouse.gateway.tunnel import websockets_through

__all__ = ["Apps", "Gateway", "View", "enter_router", "websockets_through"]
