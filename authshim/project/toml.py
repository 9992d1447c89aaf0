"""Typed access to the values of a TOML document, and the names of their places in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authshim.redact import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

Table = dict[str, Any]

_EXPECTED = {
    dict: "a table",
    list: "a list",
    str: "text",
    bool: "true or false",
}
"""The words for a type in messages."""


class TableError(Exception):
    """A value that its tool refuses. The reason names table and key, and shows URLs redacted.

    :param place: the file, the line of a file or the variable that has the value. It is empty if
        the caller of the reader knows it.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place

    def at(self, place: str) -> TableError:
        """Return the error with a place, unless it has one already."""
        return TableError(self.reason, self.place or place)

    def __str__(self) -> str:
        if not self.place:
            return self.reason
        return f"{self.place}: {self.reason}"


class Section:
    """A TOML table that knows its place in the document, so that messages can name it.

    Each method reads the value of one key. It returns an empty value if the key is missing, and
    raises TableError if the value has another type.

    :param names: the names of the table and its parents. The document itself has none.
    """

    __slots__ = ("names", "table")

    def __init__(
        self,
        table: Table,
        names: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.names = names

    def section(self, key: str) -> Section:
        """Return the table of a key."""
        value = self.table.get(key, {})
        return self.child(key, value)

    def child(self, key: str, value: Any) -> Section:
        """Return the table that stands in this one, and whose value is known."""
        names = (*self.names, key)
        if not isinstance(value, dict):
            place = location(names)
            raise TableError(f"{place}: expected {_EXPECTED[dict]}")
        return Section(value, names)

    def sections(self, key: str) -> Iterator[tuple[str, Section]]:
        """Yield each table in the table of a key, with its name."""
        parent = self.section(key)
        for name, value in parent.table.items():
            section = parent.child(name, value)
            yield name, section

    def array_of_sections(self, key: str) -> Iterator[Section]:
        """Yield the tables of an array of tables, ``[[key]]``."""
        for value in self.array(key):
            yield self.child(key, value)

    def array(self, key: str) -> list[Any]:
        """Return a list, whose elements may have any type."""
        value: list[Any] = self._value(key, list)
        return value

    def strings(self, key: str) -> list[str]:
        """Return a list of strings."""
        values = self.array(key)
        for value in values:
            if not isinstance(value, str):
                place = self.location(key)
                raise TableError(f"{place}: expected a list of text")
        return list(values)

    def text(self, key: str) -> str:
        """Return a string."""
        value: str = self._value(key, str)
        return value

    def flag(self, key: str) -> bool:
        """Return True or False."""
        value: bool = self._value(key, bool)
        return value

    def choice(self, key: str, words: tuple[str, ...]) -> str | None:
        """Return one of the words, or None if the key is missing."""
        value = self.table.get(key)
        if value is None or value in words:
            return value
        place = self.location(key)
        listed = ", ".join(words)
        raise TableError(f"{place}: expected one of {listed}")

    def location(self, key: str = "") -> str:
        """Return the name of the table in messages, or that of one of its keys."""
        return location(self.names, key)

    def _value(self, key: str, kind: type) -> Any:
        empty = kind()
        value = self.table.get(key, empty)
        if not isinstance(value, kind):
            place = self.location(key)
            raise TableError(f"{place}: expected {_EXPECTED[kind]}")
        return value


def location(where: tuple[str, ...], key: str = "") -> str:
    """Return the name of a place in messages: ``[a.b] key``."""
    parts = []
    if where:
        names = [shorten(name) for name in where]
        joined = ".".join(names)
        parts.append(f"[{joined}]")
    if key:
        parts.append(shorten(key))
    return " ".join(parts)
