"""Bunkhouse: self-hosted background coding agents with full dev environments."""
