"""The rules of a login; nothing here asks the chain."""
