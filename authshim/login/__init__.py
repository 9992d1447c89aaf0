"""The rules of a login, and the command that makes one."""
