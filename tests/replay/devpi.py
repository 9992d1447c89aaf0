"""devpi behind devpi-lockdown: the indexes *ada/dev* and *bob/dev* of a server of one's own.

devpi is open to all who want to read; devpi-lockdown lets nginx ask it who may. A devpi-server
takes half a minute to start, so it is recorded, as devpi-server 6.20.3 with devpi-web 5.1.1 and
devpi-lockdown 2.0.0 answered:

- The index is ``HOST/USER/INDEX/+simple/``, which lists what there is; without a slash at its end a
  page is 302 to itself with it; what is not there is 404.
- The files lie at ``+f/HASH/HASH/FILE`` beside ``+simple``, and the links to them begin with
  ``../../+f/``.
- Who asks for ``application/vnd.pypi.simple.v1+json`` gets JSON (PEP 691), with the same links.
- ``/+authcheck`` is 200 for a password by Basic and 401 without a challenge for nobody and for a
  wrong one. nginx makes 302 to the login form of that, ``/+login?goto_url=``: devpi-lockdown's
  README.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.recording import (
    PROJECTS,
    Door,
    Route,
    Secret,
    Service,
    content,
    moved,
    page,
    sha256_of,
    wheel_of,
)
from servers import Answer, redirect

if TYPE_CHECKING:
    from replay.recording import Asked

HOST = "devpi.acme.example"
ADA_INDEX, BOB_INDEX = (f"https://{HOST}/{user}/dev/+simple/" for user in ("ada", "bob"))

ADA = Secret("s3cret-ada", (HOST,), "ada")
BOB = Secret("s3cret-bob", (HOST,), "bob")

_LINK = "../../+f/cf3/0c800fb7ff482/{file}"
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = page(_LINK)


def _page(asked: Asked) -> Answer:
    if _JSON not in asked.seen.headers.get("Accept", "") or asked.names["project"] not in PROJECTS:
        return _HTML(asked)
    file = wheel_of(asked.names["project"])
    link = {"filename": file, "url": _LINK.format(file=file), "hashes": {"sha256": sha256_of(file)}}
    listed = {"meta": {"api-version": "1.0"}, "name": asked.names["project"], "files": [link]}
    return Answer(200, json.dumps(listed).encode(), {"Content-Type": _JSON})


def _index(user: Secret) -> tuple[Route, ...]:
    below = f"/{user.username}/dev"
    login = redirect(f"https://{HOST}/+login?goto_url={below}/")
    door = Door((user,), nobody=login, stranger=login)
    return (
        Route(
            HOST,
            f"{below}/+simple/",
            Answer(200, b"<!DOCTYPE html>", {"Content-Type": "text/html"}),
            door,
        ),
        Route(
            HOST,
            f"{below}/+simple/{{project}}",
            moved(f"https://{HOST}{below}/+simple/{{project}}/"),
            door,
        ),
        Route(HOST, f"{below}/+simple/{{project}}/", _page, door),
        Route(HOST, f"{below}/+f/{{file*}}", content, door),
    )


_LOGIN = Answer(200, b"<form>who are you?</form>", {"Content-Type": "text/html; charset=UTF-8"})

SERVICE = Service(
    "devpi",
    (*_index(ADA), *_index(BOB), Route(HOST, "/+login", _LOGIN)),
    (ADA, BOB),
)
