"""The logins of a netrc file, and the lines that may hide others."""

from __future__ import annotations

from authshim.secret import SecretHolder


class Logins(SecretHolder):
    """The logins of a file, or the reason why the file cannot be used."""

    __slots__ = ("_broken_lines", "_unclear_line", "broken", "pairs", "problems")

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.problems: list[str] = []
        self.pairs: dict[str | None, list[tuple[str, str]]] = {}
        # The first bad line by the host of its entry, and the first that may hide any host.
        self._broken_lines: dict[str | None, int] = {}
        self._unclear_line = 0

    def of(self, host: str | None) -> list[tuple[str, str]]:
        """Return the logins of a host in the file's order. The host None is the default entry."""
        return self.pairs.get(host, [])

    def add(
        self,
        host: str | None,
        login: str,
        password: str,
    ) -> None:
        """Add a login of a host."""
        pairs = self.pairs.setdefault(host, [])
        pairs.append((login, password))

    def broken_line(self, host: str | None) -> int:
        """Return the first bad line that may hide an entry of a host, or 0."""
        line = self._broken_lines.get(host, 0)
        if not line or not self._unclear_line:
            return line or self._unclear_line
        return min(line, self._unclear_line)

    def note_line(self, number: int, host: str | None) -> None:
        """Remember a bad line in the entry of a host."""
        self._broken_lines.setdefault(host, number)

    def note_unclear_line(self, number: int) -> None:
        """Remember a bad line that may hide an entry of any host."""
        self._unclear_line = self._unclear_line or number
