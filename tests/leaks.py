"""Where a planted secret might have got to."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterable, Iterator, Mapping

SECRET = "s3cret"

_OUR_SIDE = ("authshim", "requests", "urllib3", "http.client")
"""Frames of these may be printed with their locals by an error reporter; a test's own frame holds what it planted."""


def forms(secret: str) -> list[str]:
    """List the forms in which a secret can be read: plain, and within base64 at each of the three offsets.

    >>> forms("s3cret")
    ['s3cret', 'czNjcmV0', 'MzY3Jld', 'zM2NyZX']
    """
    found = [secret]
    for offset in range(3):
        raw = b"\0" * offset + secret.encode()
        text = base64.b64encode(raw).decode().rstrip("=")
        # The first and the last character may also carry bits of the neighbours.
        found.append(text[(0, 2, 3)[offset] : len(raw) * 8 // 6])
    return found


def assert_no_secret(*things: object, secret: str = SECRET) -> None:
    """Fail where a text, an exception with all that hangs on it, a response or an object's repr or pickle tells it."""
    wanted = forms(secret)
    for thing in things:
        for where, text in _texts(thing, set()):
            told = [form for form in wanted if form in text]
            assert not told, f"{where} tells {told[0]!r}: {text!r}"


def _texts(thing: object, done: set[int]) -> Iterator[tuple[str, str]]:
    if id(thing) in done:
        return
    done.add(id(thing))
    if isinstance(thing, str):
        yield "text", thing
    elif isinstance(thing, bytes):
        yield "bytes", thing.decode("latin-1")
    elif isinstance(thing, BaseException):
        yield from _of_exception(thing, done)
    elif isinstance(thing, Mapping):
        yield from _of_all([*thing.keys(), *thing.values()], done)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from _of_all(thing, done)
    else:
        yield from _of_object(thing, done)


def _of_all(things: Iterable[object], done: set[int]) -> Iterator[tuple[str, str]]:
    for thing in things:
        yield from _texts(thing, done)


def _of_exception(error: BaseException, done: set[int]) -> Iterator[tuple[str, str]]:
    name = type(error).__name__
    yield f"str of {name}", str(error)
    yield f"repr of {name}", repr(error)
    yield from _of_all([error.args, getattr(error, "__notes__", ()), vars(error)], done)
    for other in (error.__cause__, error.__context__):
        if other is not None:
            yield from _texts(other, done)
    frame = error.__traceback__
    while frame is not None:
        module = frame.tb_frame.f_globals.get("__name__", "")
        if module.split(".")[0] in _OUR_SIDE or module in _OUR_SIDE:
            for local, value in frame.tb_frame.f_locals.items():
                for where, text in _texts(value, done):
                    yield f"local {local} of {module}:{frame.tb_lineno}, {where}", text
        frame = frame.tb_next


_ATTRIBUTES = {
    "Response": ("url", "headers", "history", "request", "raw", "cookies", "reason"),
    "PreparedRequest": ("url", "headers"),
    "HTTPResponse": ("_request_url", "headers", "retries"),
    "Retry": ("history",),
    "RequestsCookieJar": ("_cookies",),
}
"""What an object of `requests` or urllib3 shows beyond its repr, by the name of its class."""


def _of_object(thing: object, done: set[int]) -> Iterator[tuple[str, str]]:
    name = type(thing).__name__
    yield f"repr of {name}", repr(thing)
    yield f"str of {name}", str(thing)
    for attribute in _ATTRIBUTES.get(name, ()):
        for where, text in _texts(getattr(thing, attribute, None), done):
            yield f"{name}.{attribute}, {where}", text
    try:
        pickled = pickle.dumps(thing)
    except Exception:  # noqa: BLE001 - what cannot be pickled tells nothing that way
        return
    yield f"pickle of {name}", pickled.decode("latin-1")
