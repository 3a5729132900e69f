"""The broker: what a sandbox may reach, through three doors that hold the real credentials.

`models` relays to model providers, `git` to the session's repository, `egress` decides on every
other connection. `demo` is the built-in scripted model. `door` puts them behind one application
that asks for the sandbox's token, and `listener` serves that at each sandbox's socket.
"""
