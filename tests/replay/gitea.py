"""Gitea's packages: the owners *acme* and *labs* of a server of one's own.

What is recorded, and whom it follows:

- The index is ``HOST/api/packages/OWNER/pypi/simple``, for a password or a token in its place:
  Gitea's page "PyPI Package Registry".
- There is no list of what there is, only pages and files: ``routers/api/packages/api.go`` of
  go-gitea/gitea.
- The files lie at ``files/NAME/VERSION/FILE`` beside ``simple``; the links to them are whole URLs:
  ``templates/api/packages/pypi/simple.tmpl``.
- Who shows nothing gets 401 with the realm below, and so does a login without the right to read, or
  a token without the scope: ``reqPackageAccess`` in that file. Who shows what is wrong gets 401
  without a challenge: ``verifyAuth``.
"""

from __future__ import annotations

from replay.recording import ABSENT, Door, Route, Secret, Service, content, page
from servers import Answer

HOST = "gitea.acme.example"
ACME_INDEX, LABS_INDEX = (
    f"https://{HOST}/api/packages/{owner}/pypi/simple" for owner in ("acme", "labs")
)

ACME = Secret("s3cret-acme", (HOST,), "ada")
NEXT_ACME = Secret("s3cret-acme-2", (HOST,), "ada")
LABS = Secret("s3cret-labs", (HOST,), "ada")
"""Tokens of one user, each with the right to read one owner's packages."""

_TOKENS = (ACME, NEXT_ACME, LABS)
_WHO_ARE_YOU = Answer(
    401, b"reqPackageAccess", {"WWW-Authenticate": 'Basic realm="Gitea Package API"'}
)
_WRONG = Answer(401, b"Failed to authenticate user")


def _owner(name: str, *takes: Secret) -> tuple[Route, ...]:
    door = Door(takes, nobody=_WHO_ARE_YOU, stranger=_WRONG, forbidden=_WHO_ARE_YOU, knows=_TOKENS)
    below = f"/api/packages/{name}/pypi"
    link = f"https://{HOST}{below}/files/{{project}}/1.0/{{file}}"
    return (
        *(Route(HOST, f"{below}/simple{slash}", ABSENT) for slash in ("", "/")),
        Route(HOST, f"{below}/simple/{{project}}/", page(link), door),
        Route(HOST, f"{below}/files/{{project}}/{{version}}/{{file}}", content, door),
    )


SERVICE = Service("Gitea", (*_owner("acme", ACME, NEXT_ACME), *_owner("labs", LABS)), _TOKENS)
