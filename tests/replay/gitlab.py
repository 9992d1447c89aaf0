"""A GitLab server of one's own: the projects 41 (*parts*) and 42 (*tools*), and PyPI behind it.

What is recorded, and whom it follows:

- The index is ``HOST/api/v4/projects/ID/packages/pypi/simple``; whoever wants in shows the name and
  the value of a personal access token, a deploy token's own name, or ``gitlab-ci-token``, by netrc
  too: GitLab's page "PyPI packages in the package registry". Older forms of the page have
  ``__token__`` for the name.
- The files lie at ``files/SHA256/FILE`` beside ``simple``: its page "PyPI API"; the links are whole
  URLs with a hash: ``simple_package_versions_presenter.rb``. They want the login too: astral-sh/uv
  issue 14806.
- Who shows nothing, or a token that is wrong, gets 401 with the realm below:
  ``basic_auth_helpers.rb``, and the table in ``pypi_packages_shared_examples.rb``, which has 404
  for a login that is no member's, and 403 for a guest's.
- ``simple`` lists what there is: the page "PyPI API".
- What a project does not have is forwarded to ``pypi.org/simple/NAME/``:
  ``dependency_proxy_helpers.rb``; with 302: simple-repository/simple-repository issue 35.
- Where the files are in an object storage, their URLs redirect to a presigned one:
  ``present_carrierwave_file!`` in GitLab's ``lib/api/helpers.rb``. It is so for *tools*.
- Several indexes of one server want tokens of their own: the page's part "Multiple index-url".
  ``ID`` may be a path with ``%2F`` in it; the files lie below the number all the same: the
  presenter. *parts* and *tools* have such, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay import pypi, s3
from replay.recording import PROJECTS, Door, Route, Secret, Service, content, moved, page
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Answering

HOST = "gitlab.acme.example"
BUCKET = "acme-packages.s3.amazonaws.com"
API = f"{HOST}/api/v4/projects"
PARTS_INDEX, TOOLS_INDEX, NAMED_PARTS_INDEX, NAMED_TOOLS_INDEX = (
    f"https://{API}/{project}/packages/pypi/simple"
    for project in (41, 42, "acme%2Fparts", "acme%2Ftools")
)

OWN = PROJECTS[:20]
"""What the projects have; the others are PyPI's."""

PARTS = Secret("gldt-s3cret-parts", (HOST,), "parts-reader")
TOOLS = Secret("gldt-s3cret-tools", (HOST,), "tools-reader")
PERSONAL = Secret("glpat-s3cret", (HOST,), "__token__")
NEXT_PERSONAL = Secret("glpat-s3cret-2", (HOST,), "__token__")
JOB = Secret("glcbt-s3cret", (HOST,), "gitlab-ci-token")

_SECRETS = (PARTS, TOOLS, PERSONAL, NEXT_PERSONAL, JOB)
_WHO_ARE_YOU = Answer(401, b"", {"WWW-Authenticate": 'Basic realm="GitLab Packages Registry"'})


_LIST = Answer(200, b"<!DOCTYPE html>", {"Content-Type": "text/html; charset=UTF-8"})
_STORED = s3.presigned(f"https://{BUCKET}/@hashed/{{file}}")


def _project(number: int, name: str, file: Answering, *takes: Secret) -> tuple[Route, ...]:
    door = Door(
        takes,
        nobody=_WHO_ARE_YOU,
        stranger=_WHO_ARE_YOU,
        forbidden=Answer(404, b""),
        knows=_SECRETS,
    )
    below, named = (f"/api/v4/projects/{project}/packages/pypi" for project in (number, name))
    forwarded = moved(f"https://{pypi.HOST}/simple/{{project}}/")
    listed = page(
        f"https://{HOST}{below}/files/{{sha256}}/{{file}}", projects=OWN, absent=forwarded
    )
    return (
        *(
            Route(HOST, f"{base}/simple{slash}", _LIST, door)
            for base in (below, named)
            for slash in ("", "/")
        ),
        *(Route(HOST, f"{base}/simple/{{project}}/", listed, door) for base in (below, named)),
        Route(HOST, f"{below}/files/{{sha256}}/{{file}}", file, door),
    )


SERVICE = Service(
    "GitLab",
    (
        *_project(41, "acme%2Fparts", content, PARTS, PERSONAL, NEXT_PERSONAL, JOB),
        *_project(42, "acme%2Ftools", _STORED, TOOLS, PERSONAL, NEXT_PERSONAL, JOB),
        s3.bucket(BUCKET, "/@hashed/{file}"),
        *pypi.ROUTES,
    ),
    _SECRETS,
)
