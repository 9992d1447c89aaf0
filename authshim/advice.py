"""What to do next about an index or channel that does not let its user in: the exact command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from authshim.credentials import OAuth
from authshim.oauth.command import login_command as oauth_command
from authshim.redact import looks_like_token, printable, redact
from authshim.urls import PATH, PORT, PREFIX, parse, without_userinfo
from authshim.urls.paths import cut_after_simple

if TYPE_CHECKING:
    from authshim.lookup.chain import Chain
    from authshim.lookup.trace import Found
    from authshim.urls import Url


class Vendor(NamedTuple):
    """A service whose credentials come from a program of its own."""

    hosts: str
    """Its host names, as a regular expression."""
    username: str
    """What its index URLs are written with, so that the keyring command is asked."""
    backend: str
    """The keyring back end that knows it, on PyPI."""
    login: str
    """The command that logs its user in."""
    place: str
    """What its URLs name, as a regular expression."""
    owner: str
    """What lets a user read, with the names of ``place``."""
    missing: tuple[str, str] = ("", "correct the URL")
    """What its 404 means to who is logged in, and what to do."""
    lists: bool = True
    """Whether the root of an index is there."""


_DESCRIBE = (
    "aws codeartifact describe-repository --domain {domain} --domain-owner {account} --repository {repository} "
    "--region {region}"
)

VENDORS = (
    Vendor(
        r".+-python\.pkg\.dev",
        "oauth2accesstoken",
        "keyrings.google-artifactregistry-auth",
        "gcloud auth login",
        r"https://(?P<location>[\w-]+)-python\.pkg\.dev/(?P<project>[\w.:-]+)/(?P<repository>[\w-]+)/",
        "let an owner run: gcloud artifacts repositories add-iam-policy-binding {repository} --project={project} "
        "--location={location} --member=user:EMAIL --role=roles/artifactregistry.reader",
        lists=False,
    ),
    Vendor(
        r"pkgs\.dev\.azure\.com|.+\.pkgs\.visualstudio\.com",
        "VssSessionToken",
        "keyrings.artifacts",
        "az login",
        r"https://.*/_packaging/(?P<feed>[^/]+)/",
        "ask an owner of the feed {feed} to make this user a Feed Reader",
        ("there is no such feed, or this user may not see it", "correct the URL"),
    ),
    Vendor(
        r".+\.d\.codeartifact\..+\.amazonaws\.com",
        "aws",
        "keyrings.codeartifact",
        "aws sso login",
        r"https://(?P<domain>[a-z0-9-]+)-(?P<account>[0-9]{12})\.d\.codeartifact\.(?P<region>[a-z0-9-]+)\.amazonaws\.com"
        r"/pypi/(?P<repository>[\w.-]+)/",
        "ask an administrator for the permission codeartifact:ReadFromRepository on {repository}",
        (
            "CodeArtifact says so of what is not there, and of a repository that this user may not read",
            _DESCRIBE,
        ),
    ),
)
"""The specification names the first two; their usernames and the third are the back ends' own words.

What lets a user read is told by the vendors' pages: gcloud's reference "add-iam-policy-binding", Azure's "Manage feed
permissions", and CodeArtifact's "Repository policies" and "DescribeRepository". Neither Google nor CodeArtifact
has a root that lists its packages: bazel-contrib/rules_python issue 3826, and AWS's page "Python compatibility".
"""


_CHANNELS_HOST = "repo.prefix.dev"
"""The other host of the channels at ``https://prefix.dev/CHANNEL``."""

_OWNER = "ask its owner to let this user read it"


def vendor_of(host: str) -> Vendor | None:
    """Return the vendor whose host this is."""
    return next((vendor for vendor in VENDORS if re.fullmatch(vendor.hosts, host)), None)


def log_in(url: str, username: str | None, *, by_keyring: bool, chain: Chain | None = None) -> str:
    """Return the step that gives a credential for a URL that asks for one.

    :param username: the name that stands alone before the ``@`` of the URL.
    :param by_keyring: the URL is that of an index, and the keyring command is asked.
    :param chain: the chain that has no credential. An obstacle in it is to be removed first.
    """
    obstacle = "" if chain is None else _first_obstacle(chain, url, username)
    if obstacle:
        return obstacle
    vendor = vendor_of(parse(url).host) if by_keyring else None
    if username is not None and looks_like_token(username):
        return _replace_token(url, vendor, chain)
    step = _log_in(url, username, by_keyring=by_keyring, chain=chain)
    if vendor is not None or not username or not username.isprintable():
        return step
    from urllib.parse import quote

    return f"{step}   (if {username} is itself the secret: write {quote(username, safe='')}:@ in the URL)"


_FILE_AND_LINE = re.compile(r"(?:cannot read )?(?:auth file |netrc |uv store )?(.+?): line (\d+)")


def _first_obstacle(chain: Chain, url: str, username: str | None) -> str:
    """Return the step that removes the first obstacle in a chain, or an empty string."""
    obstacle = next(chain.obstacles(url, username), "")
    if not obstacle:
        return ""
    if "it is locked" in obstacle:
        return "unlock the keychain, then try again"
    place = _FILE_AND_LINE.match(obstacle)
    if place is None:
        return f"mend this first: {obstacle}"
    return f"mend {place.group(1)} line {place.group(2)} first"


def _replace_token(url: str, vendor: Vendor | None, chain: Chain | None) -> str:
    """Return the step after a server refused the token that is the username of a URL."""
    parsed = parse(url)
    if vendor is None:
        login = login_command(parsed, chain)
        return f"correct the token in the URL, or take it out and: {login}"
    return (
        f"write {vendor.username}@ in place of the token before {parsed.host}, then: {vendor.login}"
    )


def _log_in(url: str, username: str | None, *, by_keyring: bool, chain: Chain | None) -> str:
    from shlex import quote

    parsed = parse(url)
    vendor = vendor_of(parsed.host) if by_keyring else None
    if vendor is None:
        if by_keyring and username and username.isprintable():
            return f"keyring set {quote(redact(url))} {quote(username)}"
        return login_command(parsed, chain, username)
    if username is None:
        return (
            f"write {vendor.username}@ before {parsed.host} in the index URL, then: {vendor.login}"
        )
    return f"{vendor.login}   (once before: pipx inject keyring {vendor.backend})"


def log_in_at(
    url: str, username: str | None, *, asks_keyring: bool, chain: Chain | None = None
) -> str:
    """Return the step that gives a credential for any URL, of an index or below one."""
    bare = without_userinfo(url)
    index = cut_after_simple(bare)
    parsed = parse(url)
    by_keyring = asks_keyring and (index is not None or vendor_of(parsed.host) is not None)
    return log_in(index or bare, username or parsed.username, by_keyring=by_keyring, chain=chain)


def name_by_https(url: str) -> str:
    """Return the step for a plain http URL to which nothing is sent, because a server named it."""
    return f"ask whoever named it to link to {parse(url).host} by https"


def log_in_again(url: str, found: Found, chain: Chain | None = None) -> str:
    """Return the step that replaces a refused credential in its store."""
    if found.provider == "keyring command":
        username = getattr(found.credential, "username", None)
        return _log_in(url, username, by_keyring=True, chain=chain)
    if found.provider in ("URL", "manifest"):
        return "correct the user:password@ in the URL"
    if isinstance(found.credential, OAuth):
        command = oauth_command(str(found.key).removeprefix("*."), found.credential)
        return command + _auth_file_option(chain)
    # A login stores a credential for the host. An entry for a path or a port is nearer.
    is_nearer = found.provider.startswith("auth file") and found.key.kind in (PATH, PORT)
    if is_nearer or found.key.kind == PREFIX or "netrc" in found.provider:
        return f"correct the entry for {found.key} in {found.provider}"
    return login_command(parse(url), chain, found.credential.shown_username)


def login_command(url: Url, chain: Chain | None = None, username: str | None = None) -> str:
    """Return the command that stores a credential for a URL where pixi and authshim find it."""
    option = _auth_file_option(chain)
    if url.host == "anaconda.org" or url.host.endswith(".anaconda.org"):
        return f"authshim auth login anaconda.org{option}"
    if url.host == "prefix.dev" or url.host.endswith(".prefix.dev"):
        return _log_in_at_prefix_dev(url, option, chain)
    key = url.host if chain is None else chain.login_key(f"{url.origin}{url.path}")
    hint = "or --token, or --conda-token; it asks for the secret"
    if key != url.host:
        hint += "; pixi reads no key with a port or a path"
    if chain is not None and username and chain.circumstances.keyring_off:
        hint += f"; the keyring command is off: {chain.circumstances.keyring_off}"
    return f"authshim auth login {key}{option} --username {_shown_argument(username)}   ({hint})"


def _auth_file_option(chain: Chain | None) -> str:
    """Return the option that names the override file of a chain, or an empty string."""
    from shlex import quote

    if chain is None or not chain.circumstances.override:
        return ""
    return f" --auth-file {quote(chain.circumstances.override)}"


def _shown_argument(username: str | None) -> str:
    """Return a username as an argument of a command, or USER if it cannot be shown."""
    from shlex import quote

    if not username or not username.isprintable() or looks_like_token(username):
        return "USER"
    return quote(username)


def _log_in_at_prefix_dev(url: Url, option: str, chain: Chain | None) -> str:
    """Return the command for prefix.dev, whose OAuth login serves that host alone, in pixi too."""
    command = f"authshim auth login prefix.dev{option}"
    if url.host == "prefix.dev":
        return command
    hint = ""
    if url.host == _CHANNELS_HOST and chain is not None and _has_own_login(chain):
        channel = printable(url.path.split("/")[1])
        hint = (
            "   (the login for prefix.dev is for prefix.dev alone, in pixi too; "
            f"or use https://prefix.dev/{channel})"
        )
    return f"{command} --token{hint}"


def _has_own_login(chain: Chain) -> bool:
    """Return True if there is a login for prefix.dev that does not serve its subdomains."""
    found = chain.find("https://prefix.dev/")
    return found is not None and found.key == "prefix.dev"


def ask_owner(url: str) -> str:
    """Say who can let a user read who is known and may not."""
    vendor = vendor_of(parse(url).host)
    return _filled(vendor, vendor.owner, url) if vendor else _OWNER


def missing(url: str) -> tuple[str, str]:
    """Return what a 404 means to a user who is logged in, where it means more than it says, and what to do."""
    vendor = vendor_of(parse(url).host)
    if vendor is None:
        return "", f"correct the URL, or {_OWNER}"
    detail, step = vendor.missing
    return detail, _filled(vendor, step, url)


_GITEA = r"/api/packages/[^/]+/pypi/simple/?$"
"""An index of Gitea, at whatever host it is; its ``routers/api/packages/api.go`` has pages and files only."""


def lists_nothing(url: str) -> bool:
    """Tell whether the service has no page that lists an index's projects; a 404 there is no refusal."""
    vendor = vendor_of(parse(url).host)
    return not vendor.lists if vendor else re.search(_GITEA, url) is not None


def _filled(vendor: Vendor, step: str, url: str) -> str:
    """Put what an index URL names into a step; without what it does not."""
    found = re.match(vendor.place, url)
    if found is None:
        return _OWNER if "{" in step else step
    return step.format(**found.groupdict())
