"""JFrog Artifactory: a virtual PyPI repository, a hidden one, and a mirror of conda-forge.

What is recorded, and whom it follows:

- The index is ``ORG.jfrog.io/artifactory/api/pypi/REPOSITORY/simple``, and a token goes as the
  password of an empty username: uv's guide "JFrog Artifactory". An API key stands in the place of a
  password: devopshq/artifactory issue 158. A token is taken as Bearer as well, and the
  documentation of Pulumi's artifactory package uses it so.
- Without its last slash ``simple`` is a 302 to itself with it: python-poetry/poetry issue 2507.
- The files lie at ``packages/packages/HASH/FILE`` beside ``simple``, and want the login too:
  astral-sh/uv issue 17485. The links to them are relative here.
- Who shows nothing, or what is wrong, gets 401: astral-sh/uv issue 1709; the realm stands in
  renovatebot/renovate's ``lib/modules/datasource/docker/common.ts``. Elsewhere it is 403 for nobody
  (pypa/pip issue 11721) and 404 for a wrong login (pypa/pip issue 10016). *wheels* answers so,
  *secret* otherwise.
- A channel is ``artifactory/api/conda/REPOSITORY``: prefix-dev/pixi issue 3585; one may be a mirror
  of conda-forge: prefix-dev/rattler-build issue 1910. Both issues show the 401.
"""

from __future__ import annotations

from replay.recording import Door, Route, Secret, Service, content, moved, page
from servers import Answer

HOST = "acme.jfrog.io"
INDEX = f"https://{HOST}/artifactory/api/pypi/wheels/simple"
SECRET_INDEX = f"https://{HOST}/artifactory/api/pypi/secret/simple"
MIRROR = f"https://{HOST}/artifactory/api/conda/conda-forge"

KEY = Secret("AKCp-s3cret", (HOST,), "ada")
TOKEN = Secret("eyJ2.s3cret", (HOST,), "")
"""An identity token as the password of nobody."""
BEARER = Secret(TOKEN.value, (HOST,))

_LOGINS = (KEY, TOKEN, BEARER)
_WHO_ARE_YOU = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="Artifactory Realm"'})
_OPEN = Door(_LOGINS, nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU)
_HIDDEN = Door(_LOGINS, nobody=Answer(403, b""), stranger=Answer(404, b""))


def _repository(name: str, door: Door) -> tuple[Route, ...]:
    below = f"/artifactory/api/pypi/{name}"
    return (
        Route(HOST, f"{below}/simple", moved(f"https://{HOST}{below}/simple/"), door),
        Route(HOST, f"{below}/simple/", Answer(200, b"<!DOCTYPE html>"), door),
        Route(
            HOST,
            f"{below}/simple/{{project}}/",
            page("../../packages/packages/85/cd/584a2c/{file}"),
            door,
        ),
        Route(HOST, f"{below}/packages/packages/{{file*}}", content, door),
    )


SERVICE = Service(
    "Artifactory",
    (
        *_repository("wheels", _OPEN),
        *_repository("secret", _HIDDEN),
        Route(HOST, "/artifactory/api/conda/conda-forge/{subdir}/{file}", content, _OPEN),
    ),
    _LOGINS,
)
