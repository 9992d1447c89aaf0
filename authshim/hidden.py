"""What holds a secret in memory, since something must.

Only a ``Closed`` object does: its repr shows nothing, it has no ``__dict__`` that ``vars`` could open,
its members are not found by iterating, and it is not pickled. Debuggers and error reporters go by these.
"""

from __future__ import annotations

from typing import Any


class Closed:
    """The base of all that holds a secret; a subclass has ``__slots__``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} holds a secret and is not pickled")


class Hidden(Closed):
    """A text that is compared, and shown as ``****``."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "****"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)
