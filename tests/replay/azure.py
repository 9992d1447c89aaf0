"""Azure DevOps Artifacts: the organisation *acme*, its project *widgets*, and two feeds.

What is recorded, and whom it follows:

- The index is ``pkgs.dev.azure.com/ORG/PROJECT/_packaging/FEED/pypi/simple/``, without ``PROJECT``
  for a feed of the organisation: uv's guide "Azure Artifacts". The older host is
  ``ORG.pkgs.visualstudio.com``, with ``_packaging`` right below it: issue 214 of
  microsoft/azure-devops-python-api.
- Who shows nothing gets 401 with three challenges in one header: Bearer with the tenant's login
  page, Basic with the realm of a scale unit, and TFS-Federated: openupm/openupm-cli issue 425,
  microsoft/azure-pipelines-tasks issue 10967. A token that has expired gets 401 with Basic alone:
  richlander/dotnet-inspect issue 3417.
- ``X-VSS-AuthorizationEndpoint`` and ``X-VSS-ResourceTenant`` come with the 401: ``AuthUtil.cs`` of
  microsoft/artifacts-credprovider reads both.
- A package that is not there is 404: astral-sh/uv issue 8167, where the 401 of issue 3291 is taken
  back.
- The files lie below GUIDs in place of the names of project and feed, at
  ``_packaging/GUID/pypi/download/``, and want the credential too: dependabot/dependabot-core issue
  14227, mburumaxwell/paklo issue 1094. A version there is shortened: astral-sh/uv issue 13208.
- A file is a 303 (npm/cli issue 1800) to ``blob.core.windows.net`` (dependabot-core issue 13941),
  presigned by a query with ``sv``, ``sr``, ``sig``, ``st``, ``se`` and ``sp``; it answers 400 where
  a login comes along: fsprojects/Paket issue 1453. The error is InvalidAuthenticationInfo:
  rapid7/metakitty pull request 30, Azure/acr issue 217. The path is a hash there; here it ends with
  the file's name.
- Any username goes with a token: uv's guide. ``VssSessionToken`` is the one that artifacts-keyring
  answers with.
- keyrings.artifacts asks for the index without its last slash, and takes a 404 for an open door:
  its ``artifacts.py`` and ``provider.py``. So both forms are refused alike.
- The login of ``az`` buys a personal access token:
  ``POST vssps.dev.azure.com/ORG/_apis/tokens/pats``, Microsoft's page "Pats - Create".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from replay.recording import Door, Route, Secret, Service, content, moved, page, wheel_of
from servers import Answer

if TYPE_CHECKING:
    from replay.recording import Asked

PKGS, OLD = "pkgs.dev.azure.com", "acme.pkgs.visualstudio.com"
TOKENS = "vssps.dev.azure.com"
BLOBS = "acmeblobs7.blob.core.windows.net"
TENANT = "8f1d0000-0000-4000-8000-00000000ac3e"
PROJECT_GUID = "11110000-0000-4000-8000-0000000000aa"
BLUE_GUID = "b1000000-0000-4000-8000-00000000b1be"
GREEN_GUID = "9ee00000-0000-4000-8000-0000000009ee"

BLUE_INDEX = f"https://{PKGS}/acme/widgets/_packaging/blue/pypi/simple/"
GREEN_INDEX = f"https://{PKGS}/acme/widgets/_packaging/green/pypi/simple/"
OLD_INDEX = f"https://{OLD}/_packaging/blue/pypi/simple/"

BLUE = Secret("s3cret-blue-1", (PKGS, OLD), "VssSessionToken")
NEXT_BLUE = Secret("s3cret-blue-2", (PKGS, OLD), "VssSessionToken")
GREEN = Secret("s3cret-green", (PKGS,), "VssSessionToken")
AZ = Secret("ey.s3cret-az", (TOKENS,))
"""What ``az`` has of a login: good for a personal access token, not for a feed."""

_SIGNATURE = (
    "sv=2019-07-07&sr=b&sig=bm90IGEgc2VjcmV0"
    "&st=2026-01-01T09%3A00%3A00Z&se=2026-01-01T13%3A00%3A00Z&sp=r"
)
_BODY = b'{"$id":"1","message":"TF400813: The user is not authorized to access this resource."}'
_REALM = 'Basic realm="https://pkgsprodacme1.pkgs.visualstudio.com/"'
_ENDPOINTS = {
    "X-VSS-AuthorizationEndpoint": f"https://{TOKENS}/acme/",
    "X-VSS-ResourceTenant": TENANT,
    "Content-Type": "application/json; charset=utf-8",
}
_THREE = f"Bearer authorization_uri=https://login.windows.net/{TENANT}, {_REALM}, TFS-Federated"
_WHO_ARE_YOU = Answer(401, _BODY, {"WWW-Authenticate": _THREE, **_ENDPOINTS})
_EXPIRED = Answer(401, _BODY, {"WWW-Authenticate": _REALM, **_ENDPOINTS})
_TWO_LOGINS = Answer(
    400,
    b"<Error><Code>InvalidAuthenticationInfo</Code></Error>",
    {"Content-Type": "application/xml"},
)


def _feed(
    host: str, base: str, files: str, name: str, guid: str, *takes: Secret
) -> tuple[Route, ...]:
    door = Door(takes, nobody=_WHO_ARE_YOU, stranger=_EXPIRED)
    index = f"{base}/_packaging/{name}/pypi/simple"
    below = f"{files}/_packaging/{guid}/pypi/download"
    blob = f"https://{BLOBS}/b-{guid}/{{file}}?{_SIGNATURE}"
    return (
        Route(host, index, Answer(200, b"<!DOCTYPE html>"), door),
        Route(host, f"{index}/", Answer(200, b"<!DOCTYPE html>"), door),
        Route(host, f"{index}/{{project}}/", page(f"{below}/{{project}}/1/{{file}}"), door),
        Route(host, f"{below}/{{project}}/{{version}}/{{file}}", moved(blob, 303), door),
    )


def file_of(project: str, guid: str) -> str:
    """Return the URL of a project's file, as a lock file holds it."""
    file = wheel_of(project)
    return f"https://{PKGS}/acme/{PROJECT_GUID}/_packaging/{guid}/pypi/download/{project}/1/{file}"


def _personal_access_token(asked: Asked) -> Answer:
    token = {
        "patToken": {"displayName": "made up", "token": asked.first_of((BLUE, NEXT_BLUE)).value}
    }
    return Answer(
        200, json.dumps(token).encode(), {"Content-Type": "application/json; charset=utf-8"}
    )


SERVICE = Service(
    "Azure DevOps",
    (
        *_feed(PKGS, "/acme/widgets", f"/acme/{PROJECT_GUID}", "blue", BLUE_GUID, BLUE, NEXT_BLUE),
        *_feed(PKGS, "/acme/widgets", f"/acme/{PROJECT_GUID}", "green", GREEN_GUID, GREEN),
        *_feed(OLD, "", "", "blue", BLUE_GUID, BLUE, NEXT_BLUE),
        Route(
            BLOBS,
            "/{container}/{file}",
            content,
            Door((), nobody=None, stranger=_TWO_LOGINS),
            query=_SIGNATURE,
        ),
        Route(
            TOKENS,
            "/acme/_apis/tokens/pats",
            _personal_access_token,
            Door((AZ,), nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU),
            method="POST",
            query="api-version=7.1-preview.1",
        ),
    ),
    (BLUE, NEXT_BLUE, GREEN, AZ),
)
