"""AWS CodeArtifact: the domain *acme* and its repositories *store*, *assets* and *secret*.

What is recorded, and whom it follows:

- The index is ``DOMAIN-ACCOUNT.d.codeartifact.REGION.amazonaws.com/pypi/REPOSITORY/simple/``, the
  username ``aws``, the password a token: AWS's page "Configure and use pip with CodeArtifact".
- The files lie at ``simple/PACKAGE/VERSION/FILE`` and want the token too: astral-sh/uv issues 1860
  and 8957.
- Who shows nothing gets 401 with a challenge for Bearer alone, though Basic is taken: pex-tool/pex
  pull request 3225. So does a token that is not known: aws/aws-cdk issue 11961.
- Whoever may not read is told 404, as if there were nothing: astral-sh/uv issue 11899.
- What the service hands out for Python it sends itself, by AWS's page "Create the Amazon S3 gateway
  endpoint"; for Maven it redirects with 307 to a presigned URL of S3: a comment by its team in
  ansible-collections/community.general issue 1171. *store* does the one, *assets* the other. The
  bucket's name is made like those of that page.
- A token comes from ``POST codeartifact.REGION.amazonaws.com/v1/authorization-token?domain=...``,
  which wants the request signed: AWS's API page "GetAuthorizationToken". It lives for between 15
  minutes and 12 hours.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from replay import s3
from replay.recording import Door, Route, Secret, Service, content, page
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Answering, Asked

HOST = "acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com"
API = "codeartifact.eu-west-1.amazonaws.com"
BUCKET = "assets-111122220000-eu-west-1.s3.eu-west-1.amazonaws.com"

INDEX = f"https://{HOST}/pypi/store/simple/"
ASSETS_INDEX = f"https://{HOST}/pypi/assets/simple/"
SECRET_INDEX = f"https://{HOST}/pypi/secret/simple/"

TOKEN = Secret("eyJ2ZXIi.s3cret-1", (HOST,), "aws")
NEXT_TOKEN = Secret("eyJ2ZXIi.s3cret-2", (HOST,), "aws")
ACCESS_KEY = Secret("s3cret-access-key", ())
"""Of the user; it signs and is never sent."""

_TOKENS = (TOKEN, NEXT_TOKEN)
_WHO_ARE_YOU = Answer(401, b"", {"WWW-Authenticate": "Bearer"})

_OPEN = Door(_TOKENS, nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU)
_CLOSED = Door(
    (), nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU, forbidden=Answer(404, b""), knows=_TOKENS
)


def _token(asked: Asked) -> Answer:
    """Answer the token that is taken now, to who has signed for it."""
    if not (asked.shown or "").startswith("AWS4-HMAC-SHA256 Credential="):
        return Answer(403, b"")
    token = {"authorizationToken": asked.first_of(_TOKENS).value, "expiration": time.time() + 3600}
    return Answer(200, json.dumps(token).encode(), {"Content-Type": "application/json"})


def _repository(name: str, door: Door, file: Answering) -> tuple[Route, ...]:
    below = f"/pypi/{name}/simple"
    return (
        Route(HOST, f"{below}/", Answer(200, b"<!DOCTYPE html>"), door),
        Route(HOST, f"{below}/{{project}}/", page("1.0/{file}"), door),
        Route(HOST, f"{below}/{{project}}/{{version}}/{{file}}", file, door),
    )


SERVICE = Service(
    "AWS CodeArtifact",
    (
        *_repository("store", _OPEN, content),
        *_repository("assets", _OPEN, s3.presigned(f"https://{BUCKET}/111122223333/{{file}}", 307)),
        *_repository("secret", _CLOSED, content),
        s3.bucket(BUCKET, "/111122223333/{file}"),
        Route(
            API,
            "/v1/authorization-token",
            _token,
            method="POST",
            query="domain=acme&domain-owner=111122223333",
        ),
    ),
    (TOKEN, NEXT_TOKEN, ACCESS_KEY),
)
