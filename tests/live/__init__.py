"""Connectors against servers that others wrote, on loopback. They come last: some take a while."""
