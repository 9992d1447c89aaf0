"""Azure DevOps Artifacts: the organisation *acme*, its project *widgets*, and two feeds, *blue* and *green*.

What is recorded, and whom it follows:

- The index is ``pkgs.dev.azure.com/ORG/PROJECT/_packaging/FEED/pypi/simple/``, without ``PROJECT`` for a feed of the
  organisation: uv's guide "Azure Artifacts". The older host is ``ORG.pkgs.visualstudio.com``, with ``_packaging`` right
  below it: issue 214 of microsoft/azure-devops-python-api.
- Who shows nothing, or what is not known, gets 401 with three challenges in one header: Bearer with the tenant's login
  page, Basic with the realm of a scale unit, and TFS-Federated: openupm/openupm-cli issue 425,
  microsoft/azure-pipelines-tasks issue 10967.
- ``X-VSS-AuthorizationEndpoint`` and ``X-VSS-ResourceTenant`` come with it: ``AuthUtil.cs`` of
  microsoft/artifacts-credprovider reads both.
- The files lie below GUIDs in place of the names of project and feed, at ``_packaging/GUID/pypi/download/``, and want
  the credential too: dependabot/dependabot-core issue 14227, mburumaxwell/paklo issue 1094. A version there is
  shortened: astral-sh/uv issue 13208.
- A file is a 303 (npm/cli issue 1800) to ``blob.core.windows.net`` (dependabot-core issue 13941), presigned by a query
  with ``sv``, ``sr``, ``sig``, ``st``, ``se`` and ``sp``; it answers 400 where a login comes along: fsprojects/Paket
  issue 1453. The error is InvalidAuthenticationInfo: rapid7/metakitty pull request 30, Azure/acr issue 217. The path
  is a hash there; here it ends with the file's name.
- Any username goes with a token: uv's guide. ``VssSessionToken`` is the one that artifacts-keyring answers with.
"""

from __future__ import annotations

from replay.recording import Door, Route, Secret, Service, content, moved, page
from servers import Answer

PKGS, OLD = "pkgs.dev.azure.com", "acme.pkgs.visualstudio.com"
BLOBS = "acmeblobs7.blob.core.windows.net"
TENANT = "8f1d0000-0000-4000-8000-00000000ac3e"
PROJECT_GUID = "11110000-0000-4000-8000-0000000000aa"
BLUE_GUID = "b1000000-0000-4000-8000-00000000b1be"
GREEN_GUID = "9ee00000-0000-4000-8000-0000000009ee"

BLUE_INDEX = f"https://{PKGS}/acme/widgets/_packaging/blue/pypi/simple/"
GREEN_INDEX = f"https://{PKGS}/acme/widgets/_packaging/green/pypi/simple/"
OLD_INDEX = f"https://{OLD}/_packaging/blue/pypi/simple/"

BLUE = Secret("s3cret-blue", (PKGS, OLD), "VssSessionToken")
GREEN = Secret("s3cret-green", (PKGS,), "VssSessionToken")

_SIGNATURE = "sv=2019-07-07&sr=b&sig=bm90IGEgc2VjcmV0&st=2026-01-01T09%3A00%3A00Z&se=2026-01-01T13%3A00%3A00Z&sp=r"
_WHO_ARE_YOU = Answer(
    401,
    b'{"$id":"1","message":"TF400813: The user is not authorized to access this resource."}',
    {
        "WWW-Authenticate": f"Bearer authorization_uri=https://login.windows.net/{TENANT}, "
        'Basic realm="https://pkgsprodacme1.pkgs.visualstudio.com/", TFS-Federated',
        "X-VSS-AuthorizationEndpoint": "https://vssps.dev.azure.com/acme/",
        "X-VSS-ResourceTenant": TENANT,
        "X-TFS-ServiceError": "TF400813",
        "Content-Type": "application/json; charset=utf-8",
    },
)
_TWO_LOGINS = Answer(
    400,
    b"<?xml version='1.0'?><Error><Code>InvalidAuthenticationInfo</Code></Error>",
    {"Content-Type": "application/xml", "x-ms-error-code": "InvalidAuthenticationInfo"},
)


def _feed(host: str, base: str, files: str, name: str, guid: str, secret: Secret) -> tuple[Route, ...]:
    door = Door((secret,), nobody=_WHO_ARE_YOU, stranger=_WHO_ARE_YOU)
    below = f"{files}/_packaging/{guid}/pypi/download"
    return (
        Route(host, f"{base}/_packaging/{name}/pypi/simple/", Answer(200, b"<!DOCTYPE html>"), door),
        Route(
            host, f"{base}/_packaging/{name}/pypi/simple/{{project}}/", page(f"{below}/{{project}}/1/{{file}}"), door
        ),
        Route(
            host,
            below + "/{project}/{version}/{file}",
            moved(f"https://{BLOBS}/b-{guid}/{{file}}?{_SIGNATURE}", 303),
            door,
        ),
    )


SERVICE = Service(
    "Azure DevOps",
    (
        *_feed(PKGS, "/acme/widgets", f"/acme/{PROJECT_GUID}", "blue", BLUE_GUID, BLUE),
        *_feed(PKGS, "/acme/widgets", f"/acme/{PROJECT_GUID}", "green", GREEN_GUID, GREEN),
        *_feed(OLD, "", "", "blue", BLUE_GUID, BLUE),
        Route(BLOBS, "/{container}/{file}", content, Door((), nobody=None, stranger=_TWO_LOGINS), query=_SIGNATURE),
    ),
    (BLUE, GREEN),
)
