"""The wire types that Bunkhouse's hub and runner both speak.

Four conversations, a module each:

- `events`: what happened in a session; the runner and the hub write these into the session's log.
- `link`: the frames on the WebSocket that the runner dials to the hub.
- `gateway`: what the hub asks of the runner at the socket on which the sandbox listens.
- `configuring`: what a repository says of its own set-up, and what the hub makes of that.

`places` names the paths and ports inside a sandbox that both sides rely on.
"""
