"""Where a planted secret might have got to."""

from __future__ import annotations

import base64
import functools
import html
import logging
import pickle
import re
import types
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from authshim.secret import SecretHolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECRET = "s3cret"

RUN = 6
"""Characters in a row that are too many to tell of a secret."""

_LIBRARIES = ("authshim", "requests", "urllib3", "http", "email", "queue")
"""Packages whose objects are looked into."""

_OUR_SIDE = ("authshim", "requests", "urllib3", "http", "socket", "ssl")
"""Packages whose frames are looked at: error reporters print them with their locals.

A test's own frame holds the secret that it planted.
"""


def forms(secret: str) -> list[str]:
    """List the forms of a secret in a text: plain, UTF-16, and base64 at each of three offsets.

    >>> forms("s3cret")[0]
    's3cret'
    >>> forms("s3cret")[-3:]
    ['czNjcmV0', 'MzY3Jld', 'zM2NyZX']
    """
    found = {secret: None, secret.encode("utf-16-le").decode("latin-1"): None}
    found[secret.encode().decode("latin-1")] = None  # a pickle, read as text
    for offset in range(3):
        raw = b"\0" * offset + secret.encode()
        for encode in (base64.urlsafe_b64encode, base64.b64encode):
            text = encode(raw).decode().rstrip("=")
            # The first and the last character may also carry bits of the neighbours.
            found[text[(0, 2, 3)[offset] : len(raw) * 8 // 6]] = None
    return list(found)


def readings(text: str) -> Iterator[str]:
    r"""Yield a text as it stands, and with percent signs, backslashes, HTML and hex undone.

    >>> [reading for reading in readings("%733cret %5cu0073") if "s" in reading]
    ['s3cret \\u0073', 's3cret s']
    """
    yield text
    if not _CODED.search(text):
        return
    waiting = [text]
    for _ in range(2):  # what was quoted was perhaps quoted before
        read = [undo(part) for part in waiting for undo in _UNDO]
        waiting = [*{part for part in read if part} - {text, *waiting}]
        yield from waiting


def _unhexed(text: str) -> str:
    """Return what runs of hexadecimal digits say, from their first digit and from their second."""
    runs = [run[at:] for run in re.findall(r"(?:[0-9a-fA-F]{2}[ :]?){4,}", text) for at in (0, 1)]
    digits = (re.sub("[ :]", "", run) for run in runs)
    return " ".join(bytes.fromhex(run[: len(run) // 2 * 2]).decode("latin-1") for run in digits)


def _unescaped(text: str) -> str:
    text = re.sub(
        r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})",
        lambda found: chr(int(found[1] or found[2], 16)),
        text,
    )
    return re.sub(r"\\(.)", r"\1", text)


_CODED = re.compile(r"[%\\&]|(?:[0-9a-fA-F]{2}[ :]?){4}")
"""A sign that a text may have another reading."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]{8,16}>")
"""The end of a repr that Python itself writes; else no two of them would be alike."""

_QUOTED = re.compile("(?:%[0-9a-fA-F]{2})+")

_UNDO = (
    lambda text: _QUOTED.sub(
        lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "replace"), text
    ),
    lambda text: _unescaped(text) if "\\" in text else "",
    lambda text: html.unescape(text) if "&" in text else "",
    _unhexed,
)


@functools.lru_cache(maxsize=2048)
def told(text: str, secret: str = SECRET) -> str:
    """Return the part of a secret that a text tells, or an empty string.

    Of a long secret, some characters in a row are too many.

    >>> told("GET /t/c3MzY3JldA== HTTP/1.1"), told("nothing")
    ('MzY3Jld', '')
    >>> told("a prefix: s3cret-0123", "s3cret-0123456789")
    's3cret'
    """
    if len(text) < RUN:
        return ""
    return next(
        (form for reading in readings(text) for form in _runs(secret) if form in reading), ""
    )


@functools.lru_cache(maxsize=64)
def _runs(secret: str) -> tuple[str, ...]:
    runs = [secret[at : at + RUN] for at in range(max(1, len(secret) - RUN + 1))]
    return tuple(dict.fromkeys(form for run in runs for form in forms(run)))


def assert_no_secret(*things: object, secret: str = SECRET, theirs: tuple[str, ...] = ()) -> None:
    """Fail if a text, an exception, a response or any object, or what it leads to, tells a secret.

    :param theirs: packages of which only the repr counts.
    """
    done: set[str] = set()
    for where, text in walk(*things, theirs=theirs):
        shown = _ADDRESS.sub(">", text)
        if shown not in done:
            done.add(shown)
            said = told(shown, secret)
            assert not said, f"{where} tells {said!r}: {text[:2000]!r}"


def walk(*things: object, theirs: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every text that things lead to, and where it stands.

    Looked at are their ``str``, ``repr`` and pickle, what ``vars`` and slots hold, the members of
    containers, and of an exception its causes, notes and frames.

    :param theirs: packages of which only the repr counts.
    """
    goes = _Walk(theirs)
    for thing in things:
        yield from goes.texts(thing)


_MUTE = {int, bool, float, type(None), type, types.ModuleType}
"""Types of things that hold no text, which are most of all."""


class _Walk:
    """Goes to all that a thing leads to, once."""

    def __init__(self, theirs: tuple[str, ...]) -> None:
        self._theirs = theirs
        self._seen: dict[
            int, object
        ] = {}  # it holds the things, so that no other takes the place of one that is gone

    def texts(self, thing: object) -> Iterator[tuple[str, str]]:
        """Yield every text, and where it stands."""
        waiting: deque[tuple[str, object]] = deque([(type(thing).__name__, thing)])
        while waiting:
            where, item = waiting.popleft()
            if type(item) in _MUTE or id(item) in self._seen:
                continue
            self._seen[id(item)] = item
            if isinstance(item, str):
                yield where, item
            elif isinstance(item, (bytes, bytearray)):
                yield where, item.decode("latin-1")
            elif not isinstance(item, (int, float, type, types.ModuleType)):
                yield from self._said(where, item)
                waiting.extend((where + name, part) for name, part in self._inside(item))

    def _said(self, where: str, item: object) -> Iterator[tuple[str, str]]:
        """Yield what it says of itself; a container's members speak for themselves."""
        if not isinstance(item, (types.TracebackType, types.FrameType)) and not _is_container(item):
            for name, show in _SHOWN[type(item).__str__ is object.__str__ :]:
                with suppress(
                    AttributeError
                ):  # it is not made yet: an exception caught it in its constructor
                    yield f"the {name} of {where}", show(item)
        if _package(item) not in self._theirs and _is_pickled_in_its_own_way(type(item)):
            with suppress(Exception):  # what cannot be pickled tells nothing that way
                yield f"the pickle of {where}", pickle.dumps(item).decode("latin-1")

    def _inside(self, item: object) -> Iterator[tuple[str, object]]:
        if isinstance(item, dict):
            yield from ((f"[{name!r}]", part) for name, part in list(item.items()))
            yield from ((".keys()", name) for name in list(item))
        elif isinstance(item, (list, tuple, set, frozenset, deque)):
            yield from (("[]", part) for part in item)
        elif isinstance(item, types.TracebackType):
            yield from _of_frames(item)
        if isinstance(item, BaseException):
            yield from (
                (f".{name}", getattr(item, name)) for name in ("args", "__cause__", "__context__")
            )
            yield ".__traceback__", item.__traceback__
            yield from _attributes(item)
        elif isinstance(item, logging.LogRecord):
            yield ".getMessage()", item.getMessage()
            yield from _attributes(item)
        elif self._is_looked_into(item):
            yield from _attributes(item)

    def _is_looked_into(self, item: object) -> bool:
        package = _package(item)
        return (
            package in _LIBRARIES
            and package not in self._theirs
            and not isinstance(item, SecretHolder)
        )


_SHOWN = (("str", str), ("repr", repr))


@functools.cache
def _is_pickled_in_its_own_way(kind: type) -> bool:
    """Tell whether a pickle may hold something else than what is found in the thing itself."""
    return any(
        getattr(kind, name, None) is not getattr(object, name, None)
        for name in ("__reduce__", "__reduce_ex__", "__getstate__")
    )


def _package(item: object) -> str:
    return (getattr(type(item), "__module__", None) or "").partition(".")[0]


def _is_container(item: object) -> bool:
    return isinstance(item, (dict, list, tuple, set, frozenset, deque))


def _attributes(item: object) -> Iterator[tuple[str, object]]:
    for name, value in list(getattr(item, "__dict__", {}).items()):
        yield f".{name}", value
    for name in (
        name for kind in type(item).__mro__ for name in _names(vars(kind).get("__slots__", ()))
    ):
        with suppress(AttributeError):
            yield f".{name}", getattr(item, name)


def _names(slots: str | Iterable[str]) -> Iterable[str]:
    return [slots] if isinstance(slots, str) else slots


def _of_frames(frames: types.TracebackType | None) -> Iterator[tuple[str, object]]:
    while frames is not None:
        module = frames.tb_frame.f_globals.get("__name__", "")
        if module.split(".")[0] in _OUR_SIDE:
            for local, value in frames.tb_frame.f_locals.items():
                yield f"<{module}:{frames.tb_lineno}>.{local}", value
        frames = frames.tb_next
