"""What holds a secret in memory, since something must.

Only a ``SecretHolder`` object does: its repr shows nothing, it has no ``__dict__`` that ``vars`` could open,
its members are not found by iterating, and it is not pickled. Debuggers and error reporters go by these.
They print the locals of frames as well, so an exception that passes through a look-up, Ctrl-C for
example, leaves it with empty frames.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_Function = TypeVar("_Function", bound=Any)


class SecretHolder:
    """The base of all that holds a secret; a subclass has ``__slots__``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} holds a secret and is not pickled")


class Secret(SecretHolder):
    """A text that is compared, and shown as ``****``."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "****"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def clears_frames(function: _Function) -> _Function:
    """Let what a function raises keep its frames, file and line and all, but not their locals and arguments."""

    @wraps(function)
    def watched(*values: Any, **named: Any) -> Any:
        outer = sys.exc_info()[1]
        try:
            return function(*values, **named)
        except BaseException as error:
            _clear_frames(error, outer)
            del values, named
            raise

    return cast("_Function", watched)


def _clear_frames(error: BaseException, outer: BaseException | None) -> None:
    from traceback import clear_frames  # 5 ms, and only where something went wrong

    for part in related_exceptions(error, outer):
        clear_frames(part.__traceback__)


def related_exceptions(
    error: BaseException, outer: BaseException | None
) -> Iterator[BaseException]:
    """List an exception, its causes, and what it was made of (urllib3's ``reason``).

    :param outer: what the caller was just handling; it is none of them, though Python hangs it on as the context.
    """
    seen = {id(outer)}
    waiting: list[object] = [error]
    while waiting:
        part = waiting.pop()
        if isinstance(part, BaseException) and id(part) not in seen:
            seen.add(id(part))
            waiting += [part.__cause__, part.__context__, *part.args, *vars(part).values()]
            waiting += getattr(part, "exceptions", ())
            yield part
