"""The one port of `rung dev`: ASGI services in this process, sites from disk, everything else proxied."""
