"""Stand-ins for services that can't be had in a test: strict ones, over the real protocols."""
