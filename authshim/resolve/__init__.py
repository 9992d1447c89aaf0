"""Which index serves a package."""
