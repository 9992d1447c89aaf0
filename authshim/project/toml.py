"""Typed access to the values of a TOML document, and the names of their places in messages."""

from __future__ import annotations

from typing import Any

from authshim.redact import shorten

Table = dict[str, Any]

_EXPECTED = {dict: "a table", list: "a list", str: "text", bool: "true or false"}


class TableError(Exception):
    """A value that pixi refuses. The message names table and key, and shows URLs redacted."""


def get(table: Table, key: str, kind: Any, where: tuple[str, ...]) -> Any:
    """Return the value of a key, or an empty one if the key is missing.

    :param where: the names of ``table`` and its parents.
    :raises TableError: the value has another type.
    """
    value = table.get(key, kind())
    if isinstance(value, kind):
        return value
    place = location(where, key)
    if kind is dict:
        place = location((*where, key))
    raise TableError(f"{place}: expected {_EXPECTED[kind]}")


def as_table(value: Any, where: tuple[str, ...]) -> Table:
    """Return the value if it is a table, or raise TableError."""
    return get({where[-1]: value}, where[-1], dict, where[:-1])  # type: ignore[no-any-return]


def strings(table: Table, key: str, where: tuple[str, ...]) -> list[str]:
    """Return a list of strings, empty if the key is missing."""
    values = get(table, key, list, where)
    if not all(isinstance(value, str) for value in values):
        raise TableError(f"{location(where, key)}: expected a list of text")
    return list(values)


def choice(table: Table, key: str, words: tuple[str, ...], where: tuple[str, ...]) -> str | None:
    """Return the value of a key if it is one of the words, or None if the key is missing."""
    value = table.get(key)
    if value is not None and value not in words:
        raise TableError(f"{location(where, key)}: expected one of {', '.join(words)}")
    return value


def location(where: tuple[str, ...], key: str = "") -> str:
    """Return the name of a place in messages: ``[a.b] key``."""
    parts = []
    if where:
        names = ".".join(map(shorten, where))
        parts.append(f"[{names}]")
    if key:
        parts.append(shorten(key))
    return " ".join(parts)
