"""Objects that hold a secret in memory and do not show it.

Debuggers and error reporters print the repr, the ``__dict__`` and the items of an object. A
``SecretHolder`` shows nothing in its repr, has neither of the others, and is not pickled. Debuggers
also print the local variables of frames. So an exception that leaves a look-up, Ctrl-C for example,
has empty frames.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_Function = TypeVar("_Function", bound=Any)


class SecretHolder:
    """A base of classes that hold a secret. Each subclass needs ``__slots__``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} holds a secret and is not pickled")


class Secret(SecretHolder):
    """A text that can be compared and is shown as ``****``."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "****"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return False
        return self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def clears_frames(function: _Function) -> _Function:
    """Return the function with a wrapper that clears the frames of its exceptions.

    The frames keep their file and line. They lose their arguments and local variables.
    """

    @wraps(function)
    def watched(*values: Any, **named: Any) -> Any:
        _, outer, _ = sys.exc_info()
        try:
            return function(*values, **named)
        except BaseException as error:
            _clear_frames(error, outer)
            del values, named
            raise

    return cast("_Function", watched)


def _clear_frames(
    error: BaseException,
    outer: BaseException | None,
) -> None:
    from traceback import clear_frames  # 5 ms, which only an exception needs

    for related in related_exceptions(error, outer):
        clear_frames(related.__traceback__)


def related_exceptions(
    error: BaseException,
    outer: BaseException | None,
) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the exceptions in its arguments and attributes.

    urllib3 keeps one in ``reason``.

    :param outer: the exception that the caller is handling. Python makes it the context of a new
        one, but it is left out.
    """
    seen = {id(outer)}
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            waiting.append(found.__cause__)
            waiting.append(found.__context__)
            waiting += found.args
            waiting += vars(found).values()
            waiting += getattr(found, "exceptions", ())
            yield found
