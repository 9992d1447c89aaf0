"""prefix.dev: the private channel *acme*, its shards, and the login that hands out tokens.

What is recorded, and whom it follows:

- A channel is ``repo.prefix.dev/CHANNEL``; its shards lie at ``shards.prefix.dev/CHANNEL``:
  prefix-dev/prefix-dev issue 92. A token goes as Bearer, and is stored for ``*.prefix.dev``: pixi's
  page "Authentication".
- ``repodata.json`` is a redirect to a presigned URL of ``ACCOUNT.r2.cloudflarestorage.com``:
  prefix-dev/prefix-dev issue 32. No source tells of the packages; here they are, too.
- Who shows nothing was told 403 (prefix-dev/pixi issue 6318), and is told 401 with a challenge
  since: conda/rattler pull requests 2504 and 2509. *older* does the one, *acme* the other. What is
  told to a token that has expired no source says, nor what the challenge is: here both get the
  same, and it is for Bearer.
- A login by OAuth hands out an access token and a refresh token: prefix.dev's post "Pixi auth got
  better". pixi stores where they are renewed; the path of that endpoint is made up. What goes there
  and comes back is RFC 6749's, sections 5.1 and 6, and a refresh token is taken once.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from replay import s3
from replay.channels import served
from replay.recording import Door, Route, Secret, Service, content
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Asked

REPO, SHARDS, LOGIN = "repo.prefix.dev", "shards.prefix.dev", "prefix.dev"
BUCKET = "0123acme.r2.cloudflarestorage.com"
CHANNEL, OLDER_CHANNEL = f"https://{REPO}/acme", f"https://{REPO}/older"
TOKEN_ENDPOINT = f"https://{LOGIN}/oauth/token"

_SERVERS = (REPO, SHARDS)
KEY = Secret("pfx_s3cret", _SERVERS)
ACCESS = Secret("s3cret-access-1", _SERVERS)
NEXT_ACCESS = Secret("s3cret-access-2", _SERVERS)
REFRESH = Secret("s3cret-refresh-1", (LOGIN,))
NEXT_REFRESH = Secret("s3cret-refresh-2", (LOGIN,))

_WHO_ARE_YOU = Answer(401, b"", {"WWW-Authenticate": "Bearer"})
_TOKENS = (KEY, ACCESS, NEXT_ACCESS)
_DOOR = Door(_TOKENS, nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU)
_OLDER_DOOR = Door(_TOKENS, nobody=Answer(403, b""), stranger=Answer(403, b""))


def login(expires_in: float) -> dict[str, object]:
    """Return what pixi stores of a login whose access token lives for some seconds more."""
    fields = {
        "access_token": ACCESS.value,
        "refresh_token": REFRESH.value,
        "expires_at": int(time.time() + expires_in),
    }
    return {
        "OAuth": {
            **fields,
            "token_endpoint": TOKEN_ENDPOINT,
            "revocation_endpoint": None,
            "client_id": "rattler",
        }
    }


def _renewed(asked: Asked) -> Answer:
    """Answer the next two tokens to who shows the first refresh token."""
    form = {name: value for name, (value,) in parse_qs(asked.seen.body.decode()).items()}
    if form != {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH.value,
        "client_id": "rattler",
    }:
        return Answer(400, b'{"error": "invalid_grant"}', {"Content-Type": "application/json"})
    told = {"access_token": NEXT_ACCESS.value, "refresh_token": NEXT_REFRESH.value}
    body = json.dumps({**told, "token_type": "Bearer", "expires_in": 3600}).encode()
    return Answer(200, body, {"Content-Type": "application/json"})


def _channel(host: str, name: str, door: Door) -> Route:
    stored = s3.presigned(f"https://{BUCKET}/packages/{name}/{{file}}")
    return Route(
        host, f"/{name}/{{subdir}}/{{file}}", served(packages=stored, repodata=stored), door
    )


SERVICE = Service(
    "prefix.dev",
    (
        _channel(REPO, "acme", _DOOR),
        _channel(REPO, "older", _OLDER_DOOR),
        Route(SHARDS, "/acme/{file*}", content, _DOOR),
        s3.bucket(BUCKET, "/packages/{channel}/{file}"),
        Route(LOGIN, "/oauth/token", _renewed, method="POST"),
    ),
    (*_TOKENS, REFRESH, NEXT_REFRESH),
)
