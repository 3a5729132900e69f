"""The agent's tools for the browser, without their server as long as nobody uses them.

Playwright's MCP server takes some 115 MB and half a second from the moment it is started, and
OpenCode starts its MCP servers with the first turn. So OpenCode gets `front`, a small program that
knows the list of tools from the image's build (`record`) and starts the server at the first call.
"""
