"""One index or channel: ask it, and name its answer."""
