"""Get one file, for ``authshim get``."""
