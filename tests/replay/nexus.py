"""Sonatype Nexus Repository: the repository *wheels* of a server of one's own.

What is recorded, and whom it follows:

- A repository is ``HOST/repository/NAME/``, and who shows nothing, or what is wrong, gets 401 with
  the challenge below: sonatype-nexus-community/nexus-repository-r issue 22.
- ``simple/`` lists what there is, the pages lie below it, the files below ``packages/NAME/`` beside
  it, and the links to them begin with ``../../packages``: ``PyPiPathUtils.java`` and
  ``PyPiIndexUtils.java`` of sonatype/nexus-public.
"""

from __future__ import annotations

from replay.recording import Door, Route, Secret, Service, content, page
from servers import Answer

HOST = "nexus.acme.example"
INDEX = f"https://{HOST}/repository/wheels/simple/"

ADA = Secret("s3cret-ada", (HOST,), "ada")
OLD = Secret("s3cret-old", (HOST,), "ada")
"""What her password was once."""

_WHO_ARE_YOU = Answer(
    401, b"", {"WWW-Authenticate": 'BASIC realm="Sonatype Nexus Repository Manager"'}
)
_DOOR = Door((ADA,), nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU)

SERVICE = Service(
    "Nexus",
    (
        Route(
            HOST,
            "/repository/wheels/simple/",
            Answer(200, b"<!DOCTYPE html>", {"Content-Type": "text/html"}),
            _DOOR,
        ),
        Route(
            HOST,
            "/repository/wheels/simple/{project}/",
            page("../../packages/{project}/1.0/{file}"),
            _DOOR,
        ),
        Route(HOST, "/repository/wheels/packages/{project}/{version}/{file}", content, _DOOR),
    ),
    (ADA, OLD),
)
