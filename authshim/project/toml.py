"""Values of a TOML document with the type that they are to have, and how their place is said."""

from __future__ import annotations

from typing import Any

from authshim.redact import shorten

Table = dict[str, Any]

_EXPECTED = {dict: "a table", list: "a list", str: "text", bool: "true or false"}


class TableError(Exception):
    """What pixi would refuse; the message names table and key, and shows URLs redacted."""


def get(table: Table, key: str, kind: Any, where: tuple[str, ...]) -> Any:
    """Return a value, empty where there is none.

    :param where: the place of ``table``, as a tuple of names.
    :raises TableError: it is of another kind.
    """
    value = table.get(key, kind())
    if not isinstance(value, kind):
        place = location((*where, key)) if kind is dict else location(where, key)
        raise TableError(f"{place}: expected {_EXPECTED[kind]}")
    return value


def as_table(value: Any, where: tuple[str, ...]) -> Table:
    """Return a value that has to be a table."""
    return get({where[-1]: value}, where[-1], dict, where[:-1])  # type: ignore[no-any-return]


def strings(table: Table, key: str, where: tuple[str, ...]) -> list[str]:
    """Return a list of text."""
    values = get(table, key, list, where)
    if not all(isinstance(value, str) for value in values):
        raise TableError(f"{location(where, key)}: expected a list of text")
    return list(values)


def choice(table: Table, key: str, words: tuple[str, ...], where: tuple[str, ...]) -> str | None:
    """Return one of some words; None where there is none."""
    value = table.get(key)
    if value is not None and value not in words:
        raise TableError(f"{location(where, key)}: expected one of {', '.join(words)}")
    return value


def location(where: tuple[str, ...], key: str = "") -> str:
    """Say a place: ``[a.b] key``."""
    return " ".join(
        part
        for part in (f"[{'.'.join(map(shorten, where))}]" if where else "", shorten(key))
        if part
    )
