"""Google Artifact Registry: the repositories *wheels* and *secret*, and a metadata server.

What is recorded, and whom it follows:

- The index is ``LOCATION-python.pkg.dev/PROJECT/REPOSITORY/simple/``; ``oauth2accesstoken`` is the
  only username that goes with an access token: uv's guide "Google Artifact Registry".
- The files lie beside ``simple``, at ``PROJECT/REPOSITORY/PACKAGE/FILE``, and want the credential
  too: prefix-dev/pixi issue 1374, which also shows the 401 for who has none.
- In 2021 that was a 403: pypa/pip issue 9870, GoogleCloudPlatform/artifact-registry-python-tools
  issue 7. The location *us* answers so still. No source shows a challenge with either, so there is
  none.
- Whoever is known and may not read is told 403, "the caller does not have permission":
  GoogleCloudPlatform/artifact-registry-npm-tools issue 52.
- There is no list of all projects; ``simple`` itself is 404: bazel-contrib/rules_python issue 3826.
- A service account's key goes as ``_json_key_base64:KEY@``: astral-sh/uv issue 2822.
- A machine on Google's cloud has its token from the metadata server: google-auth's
  ``compute_engine/_metadata.py``, which asks for the paths and the ``Metadata-Flavor`` below. A
  token lives for an hour at most: ``expires_in``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.recording import Door, Route, Secret, Service, content, page
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Asked

HOST, OLD_HOST = "europe-west1-python.pkg.dev", "us-python.pkg.dev"
INDEX = f"https://{HOST}/acme/wheels/simple/"
SECRET_INDEX = f"https://{HOST}/acme/secret/simple/"
OLD_INDEX = f"https://{OLD_HOST}/acme/wheels/simple/"

_BOTH = (HOST, OLD_HOST)
TOKEN = Secret("ya29.s3cret-1", _BOTH, "oauth2accesstoken")
NEXT_TOKEN = Secret("ya29.s3cret-2", _BOTH, "oauth2accesstoken")
KEY = Secret("eyJzM2NyZXQta2V5IjogMX0=", _BOTH, "_json_key_base64")

_EVERYBODY = (TOKEN, NEXT_TOKEN, KEY)
_UNKNOWN = Answer(401, b"")
_UNKNOWN_OF_OLD = Answer(403, b"")
_FORBIDDEN = Answer(403, b"The caller does not have permission.")

_OPEN = Door(_EVERYBODY, nobody=_UNKNOWN, stranger=_UNKNOWN)
_OLD = Door(_EVERYBODY, nobody=_UNKNOWN_OF_OLD, stranger=_UNKNOWN)
_CLOSED = Door((), nobody=_UNKNOWN, stranger=_UNKNOWN, forbidden=_FORBIDDEN, knows=_EVERYBODY)


def _repository(host: str, name: str, door: Door) -> tuple[Route, ...]:
    return (
        Route(host, f"/acme/{name}/simple/", Answer(404, b""), door),
        Route(
            host,
            f"/acme/{name}/simple/{{project}}/",
            page(f"/acme/{name}/{{project}}/{{file}}"),
            door,
        ),
        Route(host, f"/acme/{name}/{{project}}/{{file}}", content, door),
    )


def _metadata(path: str, answer: object) -> Route:
    """Return a route of the metadata server, which speaks plain http."""

    def say(asked: Asked) -> Answer:
        if asked.seen.headers.get("Metadata-Flavor") != "Google":
            return Answer(403, b"")
        told = answer(asked) if callable(answer) else answer
        text, kind = (
            (told, "text/plain")
            if isinstance(told, str)
            else (json.dumps(told), "application/json")
        )
        return Answer(200, text.encode(), {"Metadata-Flavor": "Google", "Content-Type": kind})

    return Route("127.0.0.1", path, say)


def _token(asked: Asked) -> dict[str, object]:
    token = asked.first_of((TOKEN, NEXT_TOKEN))
    return {"access_token": token.value, "expires_in": 3599, "token_type": "Bearer"}


_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"

SERVICE = Service(
    "Google Artifact Registry",
    (
        *_repository(HOST, "wheels", _OPEN),
        *_repository(HOST, "secret", _CLOSED),
        *_repository(OLD_HOST, "wheels", _OLD),
        _metadata("/", "computeMetadata/"),
        _metadata("/computeMetadata/v1/project/project-id", "acme"),
        _metadata(
            _ACCOUNT,
            {
                "aliases": ["default"],
                "email": "builder@acme.iam.gserviceaccount.com",
                "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
            },
        ),
        _metadata(_ACCOUNT + "token", _token),
    ),
    (TOKEN, NEXT_TOKEN, KEY),
)
