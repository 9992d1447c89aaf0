"""The sources of credentials: one file per provider, and none imports another."""
