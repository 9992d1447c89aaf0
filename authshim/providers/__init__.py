"""Where credentials are kept: one file per provider, and none imports another."""
