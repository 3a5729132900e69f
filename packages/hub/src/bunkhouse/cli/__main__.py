"""`python -m bunkhouse.cli` is `bunkhouse`."""

from bunkhouse.cli.program import main

main()
