"""The words for a service's protocol: who is let in where, and what everybody is told.

A recording is a ``Service``: its ``routes`` are tried in order, the first whose host and path fit
answers. A route with a ``door`` looks at what the request shows: an ``Authorization`` header, or
the ``{token}`` of its path.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Callable, NamedTuple, Union
from urllib.parse import urlsplit

from servers import Answer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from servers import Seen


class Secret(NamedTuple):
    """A credential, and the only hosts that may see it."""

    value: str
    hosts: tuple[str, ...]
    username: str | None = None
    """None: a bearer token, or one that stands in the path."""
    in_path: bool = False

    @property
    def shown(self) -> str:
        """What a request shows: its ``Authorization`` header, or the token in its path."""
        if self.in_path:
            return self.value
        if self.username is None:
            return f"Bearer {self.value}"
        return "Basic " + base64.b64encode(f"{self.username}:{self.value}".encode()).decode()

    @property
    def stored(self) -> dict[str, object]:
        """What rattler's auth file holds for it."""
        if self.username is not None:
            return {"BasicHTTP": {"username": self.username, "password": self.value}}
        return {"CondaToken" if self.in_path else "BearerToken": self.value}


class Door(NamedTuple):
    """Who is let in, and what the others are told.

    ::

        Door(
            takes=(ADA,), nobody=CHALLENGE, stranger=CHALLENGE, forbidden=Answer(403), knows=(BOB,)
        )
    """

    takes: tuple[Secret, ...]
    nobody: Answer | None
    """Told to who shows nothing; None lets them in."""
    stranger: Answer
    """Told to who shows what is not known here, or has expired."""
    forbidden: Answer | None = None
    """Told to those that it ``knows``."""
    knows: tuple[Secret, ...] = ()
    """Valid logins that may not come in here."""

    def refusal(self, shown: str | None, expired: Collection[str]) -> Answer | None:
        """Return what somebody is told instead of what they asked for; None if they are let in."""
        if shown is None:
            return self.nobody
        if shown in expired:
            return self.stranger
        if shown in [secret.shown for secret in self.takes]:
            return None
        return self.forbidden if shown in [secret.shown for secret in self.knows] else self.stranger


class Asked(NamedTuple):
    """A request that fits a route."""

    seen: Seen
    host: str
    names: Mapping[str, str]
    """What stands in the path where the route has ``{name}``."""
    expired: Collection[str] = ()
    """What was shown for credentials that are not taken any more."""

    def first_of(self, secrets: Iterable[Secret]) -> Secret:
        """Return the first that has not expired: what a service that gives out tokens gives now."""
        return next(secret for secret in secrets if secret.shown not in self.expired)

    @property
    def shown(self) -> str | None:
        return self.seen.authorization or self.names.get("token")


Answering = Union[Answer, Callable[[Asked], Answer]]


class Route(NamedTuple):
    """What one kind of URL answers."""

    host: str
    """``127.0.0.1`` for what is asked for over plain http on loopback."""
    path: str
    """Without its query; ``{name}`` is one segment, ``{name*}`` any number of them."""
    answer: Answering
    door: Door | None = None
    method: str = "GET"
    query: str = ""
    """A part of the query that must be there."""

    def match(self, host: str, seen: Seen, expired: Collection[str] = ()) -> Asked | None:
        """Return the request with the names that stand in its path, where it fits."""
        parts = urlsplit(seen.target)
        if (
            host != self.host
            or seen.method not in (self.method, "HEAD")
            or self.query not in parts.query
        ):
            return None
        found = re.fullmatch(_pattern(self.path), parts.path)
        return Asked(seen, host, found.groupdict(), expired) if found else None

    def say(self, asked: Asked) -> Answer:
        """Return what who is let in is told."""
        return self.answer(asked) if callable(self.answer) else self.answer


class Service(NamedTuple):
    """A recording: everything that a service answers."""

    name: str
    routes: tuple[Route, ...]
    secrets: tuple[Secret, ...]

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(route.host for route in self.routes)


def _pattern(path: str) -> str:
    """Turn the path of a route into a regular expression.

    >>> _pattern("/{project}/-/{file*}")
    '/(?P<project>[^/]+)/-/(?P<file>.+)'
    """
    parts = re.split(r"\{(\w+\*?)\}", path)
    plain, names = map(re.escape, parts[::2]), [*parts[1::2], ""]
    groups = (
        name and f"(?P<{name.rstrip('*')}>{'.+' if name.endswith('*') else '[^/]+'})"
        for name in names
    )
    return "".join(text + group for text, group in zip(plain, groups)).replace(r"\-", "-")


# What an index serves, made up

PROJECTS = tuple(f"part-{number}" for number in range(40))


def wheel_of(project: str, version: str = "1.0") -> str:
    """Return the file name of a project's wheel."""
    return f"{project.replace('-', '_')}-{version}-py3-none-any.whl"


def content_of(file: str) -> bytes:
    """Return what a file holds; nobody unpacks it."""
    return f"the content of {file}\n".encode() * 20


def sha256_of(file: str) -> str:
    return hashlib.sha256(content_of(file)).hexdigest()


ABSENT = Answer(404, b"")


def page(
    link: str, *, projects: Collection[str] | None = None, absent: Answering = ABSENT
) -> Callable[[Asked], Answer]:
    """Answer a project's page (PEP 503) with one file.

    :param link: its ``href``, with ``{project}``, ``{file}``, ``{sha256}`` and the route's names.
    :param projects: which there are; ``PROJECTS`` without.
    :param absent: told of what is none of them.
    """

    def answer(asked: Asked) -> Answer:
        project = asked.names["project"]
        if project not in (PROJECTS if projects is None else projects):
            return absent(asked) if callable(absent) else absent
        file = wheel_of(project)
        href = link.format(**{**asked.names, "file": file, "sha256": sha256_of(file)})
        body = (
            f'<!DOCTYPE html><html><body><a href="{href}#sha256={sha256_of(file)}">{file}</a>'
            "</body></html>"
        )
        return Answer(200, body.encode(), {"Content-Type": "text/html; charset=UTF-8"})

    return answer


def content(asked: Asked) -> Answer:
    """Answer the file that the route's ``{file}`` names."""
    return Answer(
        200,
        content_of(asked.names["file"].rpartition("/")[2]),
        {"Content-Type": "application/octet-stream"},
    )


def moved(location: str, status: int = 302, **headers: str) -> Callable[[Asked], Answer]:
    """Answer a redirect; ``location`` may hold the names of the route."""
    return lambda asked: Answer(
        status, b"", {"Location": location.format(**asked.names), **headers}
    )
