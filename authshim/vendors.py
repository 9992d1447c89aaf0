"""The services whose credentials come from a program of their own, through keyring."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from authshim import next_step
from authshim.urls import parse

if TYPE_CHECKING:
    from authshim.next_step import NextStep, Template


class Vendor(NamedTuple):
    """A service whose credentials come from a program of its own."""

    hosts: str
    """Its host names, as a regular expression."""
    username: str
    """The username in its index URLs, for which the keyring command is asked."""
    backend: str
    """The keyring back end that knows it, on PyPI."""
    login: str
    """The command that logs its user in."""
    place: str
    """The parts of its URLs, as a regular expression."""
    owner: Template
    """The step that lets a user read, with the names of ``place``."""
    missing: str = ""
    """The meaning of its 404 for a user who is logged in."""
    find: Template = next_step.CORRECT_URL
    """The step after that 404, with the names of ``place``."""
    lists: bool = True
    """True if the root of an index is there."""

    def fill(self, step: Template, url: str) -> NextStep:
        """Return a step with the names of an index URL, or a general one if a name is missing."""
        found = re.match(self.place, url)
        if found is not None:
            return step(**found.groupdict())
        if "{" in step.text:
            return next_step.ASK_OWNER()
        return step()


VENDORS = (
    Vendor(
        hosts=r".+-python\.pkg\.dev",
        username="oauth2accesstoken",
        backend="keyrings.google-artifactregistry-auth",
        login="gcloud auth login",
        place=r"https://(?P<location>[\w-]+)-python\.pkg\.dev"
        r"/(?P<project>[\w.:-]+)/(?P<repository>[\w-]+)/",
        owner=next_step.ASK_OWNER_AT_GOOGLE,
        lists=False,
    ),
    Vendor(
        hosts=r"pkgs\.dev\.azure\.com|.+\.pkgs\.visualstudio\.com",
        username="VssSessionToken",
        backend="keyrings.artifacts",
        login="az login",
        place=r"https://.*/_packaging/(?P<feed>[^/]+)/",
        owner=next_step.ASK_OWNER_AT_AZURE,
        missing="there is no such feed, or this user may not see it",
    ),
    Vendor(
        hosts=r".+\.d\.codeartifact\..+\.amazonaws\.com",
        username="aws",
        backend="keyrings.codeartifact",
        login="aws sso login",
        place=r"https://(?P<domain>[a-z0-9-]+)-(?P<account>[0-9]{12})"
        r"\.d\.codeartifact\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/pypi/(?P<repository>[\w.-]+)/",
        owner=next_step.ASK_OWNER_AT_AWS,
        missing=(
            "CodeArtifact says so of a repository that is not there, or that this user may not read"
        ),
        find=next_step.DESCRIBE_AT_AWS,
    ),
)
"""The specification names the first two. Their usernames and the third are the back ends' words.

The vendors' pages tell the permissions: gcloud's reference "add-iam-policy-binding", Azure's
"Manage feed permissions", and CodeArtifact's "Repository policies" and "DescribeRepository".
Neither Google nor CodeArtifact has a root that lists its packages: bazel-contrib/rules_python
issue 3826, and AWS's page "Python compatibility".
"""


def vendor_of(host: str) -> Vendor | None:
    """Return the vendor whose host this is."""
    return next((vendor for vendor in VENDORS if re.fullmatch(vendor.hosts, host)), None)


def ask_owner(url: str) -> NextStep:
    """Return the step for a user who is known and may not read."""
    vendor = vendor_of(parse(url).host)
    if vendor is None:
        return next_step.ASK_OWNER()
    return vendor.fill(vendor.owner, url)


def missing(url: str) -> tuple[str, NextStep]:
    """Return the meaning of a 404 for a user who is logged in, if there is more, and the step."""
    vendor = vendor_of(parse(url).host)
    if vendor is None:
        return "", next_step.CORRECT_URL_OR_ASK_OWNER()
    return vendor.missing, vendor.fill(vendor.find, url)


_GITEA = r"/api/packages/[^/]+/pypi/simple/?$"
"""An index of Gitea, at any host; its ``routers/api/packages/api.go`` has pages and files only."""


def lists_nothing(url: str) -> bool:
    """Tell if the service has no page that lists the projects. A 404 there is no refusal."""
    vendor = vendor_of(parse(url).host)
    if vendor is not None:
        return not vendor.lists
    return re.search(_GITEA, url) is not None
