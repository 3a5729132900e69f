"""The hub's own tools, offered to the agent of a session as an MCP server.

- `door`: MCP over HTTP at the sandbox's socket. The only module that knows the MCP library, which
  is loaded with the hub and not with its command line.
- `serving`: one call, from the wrong arguments to the event: who acts, may they, what came of it.
- `catalog`: every tool with its words and its arguments.
- `work`, `pull_request`, `screenshot`, `person`, `family`: what the tools do.
"""
