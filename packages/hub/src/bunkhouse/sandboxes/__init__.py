"""Sandboxes: the port behind which they are made, its providers, and the image they run.

- `provider`: the port (`SandboxProvider`) with its semantics, and what goes through it.
- `containers`: sandboxes as containers of Docker or Podman; `container_config` has their shapes,
  `engine` finds the engine, `engine_client` and `engine_errors` talk with it.
- `local`: the engine of this machine, which may come and go; `readiness` says whether it is there.
- `fake`, `misbehaving`: providers in memory, for tests of all rooms.
- `images`: the sandbox image, kept built by `builder` (`build_stream`, `build_output`); `recipe`
  says of what, `base` is what it stands on, and `mirrors`, `apt_sources` and `certificates` are
  what it takes over from this machine.
- `sockets`: Unix sockets at paths of any length.
"""
