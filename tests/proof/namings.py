"""The three axes of the origin matrix: how a URL came, where it leads, what could be got there."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, NamedTuple
from urllib.parse import urlsplit

import requests
from leaks import told
from proof.sources import (
    HAS_IDENTITIES,
    KINDS,
    UV_STORE,
    be_github_job,
    give_job_token,
    use_keyring,
)
from proof.stage import CHALLENGE, SECRET, Stage, installed, mounted
from servers import Answer, redirect

import authshim
from authshim.index.check import probe
from authshim.settings.pixi_config import Mirror

if TYPE_CHECKING:
    from servers import Seen


class Where(NamedTuple):
    """A server that names a URL, and the server to which that URL leads."""

    source: str
    target: str
    is_one_origin: bool = False


WHERE = {
    "same origin": Where("https://a.example", "https://a.example", is_one_origin=True),
    "same origin, http": Where("http://a.example", "http://a.example", is_one_origin=True),
    "http to https": Where("http://a.example", "https://a.example", is_one_origin=True),
    "other port": Where("https://a.example", "https://a.example:8443"),
    "other host": Where("https://a.example", "https://b.example"),
    "http to another https host": Where("http://a.example", "https://b.example"),
    "https to http": Where("https://a.example", "http://a.example"),
    "https to another http host": Where("https://a.example", "http://b.example"),
    "http to another http host": Where("http://a.example", "http://b.example"),
    "http to another http port": Where("http://a.example", "http://a.example:8080"),
    "loopback": Where("http://a.example", "http://localhost:8080"),
    "loopback of a loopback": Where("http://127.0.0.1:8080", "http://localhost:8080"),
}

AT_PREFIX_DEV = {
    "prefix.dev": Where("https://a.example", "https://prefix.dev"),
    "subdomain": Where("https://a.example", "https://repo.prefix.dev"),
    "subdomain itself": Where(
        "https://repo.prefix.dev", "https://repo.prefix.dev", is_one_origin=True
    ),
    "prefix.dev to its subdomain": Where("https://prefix.dev", "https://repo.prefix.dev"),
    "subdomain, other port": Where("https://repo.prefix.dev", "https://repo.prefix.dev:8443"),
    "subdomain, http": Where(
        "http://repo.prefix.dev", "http://repo.prefix.dev", is_one_origin=True
    ),
    "subdomain, http to https": Where(
        "http://repo.prefix.dev", "https://repo.prefix.dev", is_one_origin=True
    ),
    "name with the same end": Where(
        "https://notprefix.dev", "https://notprefix.dev", is_one_origin=True
    ),
    "name with the same beginning": Where(
        "https://prefix.dev.example", "https://prefix.dev.example", is_one_origin=True
    ),
}
"""The places of which some take the identity of a CI job."""


class What(NamedTuple):
    """Something that is kept for the target."""

    plant: Callable[[Stage, str], object]
    """Plants it for a host."""
    user: str = ""
    """Stands before the host, so that the keyring command is asked."""


def _kept(key: str, kind: str) -> Callable[[Stage, str], None]:
    def plant(stage: Stage, netloc: str) -> None:
        host = netloc.partition(":")[0]
        domain = host.rpartition(".")[2]
        keys = key.format(host=host, domain=domain)
        stage.keep(**dict.fromkeys(keys.split(), KINDS[kind]))

    return plant


def _netrc(entry: str) -> Callable[[Stage, str], object]:
    def plant(stage: Stage, netloc: str) -> None:
        host = netloc.partition(":")[0]
        stage.write(".netrc", f"{entry.format(host=host)} login ada password {SECRET}\n")

    return plant


def _keyring(stage: Stage, _: str) -> None:
    use_keyring(stage, json.dumps({"username": "ada", "password": SECRET}))


def _uv(stage: Stage, netloc: str) -> None:
    entries = [
        f'[[credential]]\nservice = "{scheme}://{netloc}/"\n'
        f'username = "ada"\npassword = "{SECRET}"\n'
        for scheme in ("http", "https")
    ]
    stage.write(UV_STORE, "".join(entries))


CI_IDENTITY = "CI identity"

WHAT = {
    "exact key": What(_kept("{host}", "BearerToken")),
    "its own wildcard": What(_kept("*.{host}", "BearerToken")),
    "wide wildcard": What(_kept("*.{domain}", "BearerToken")),
    "path key": What(_kept("{host}/files {host}/simple {host}/mirror", "BearerToken")),
    "netrc machine": What(_netrc("machine {host}")),
    "netrc default": What(_netrc("default")),
    "keyring command": What(_keyring, "ada@"),
    "uv login": What(_uv),
    "job token": What(give_job_token),
    CI_IDENTITY: What(lambda stage, _host: be_github_job(stage)),
    "OAuth": What(_kept("{host}", "OAuth")),
    "conda token": What(_kept("{host}", "CondaToken")),
    # With a `+` in it a name is no token.
    "lone token": What(lambda _stage, _host: None, f"glpat-{SECRET.partition('+')[0]}@"),
}

if not HAS_IDENTITIES:
    del WHAT[CI_IDENTITY]

FOR_ITS_USER = ("keyring command", "lone token")
"""The kinds that a username in the URL, or in the declaration of its index, leads to."""

ONLY_OVER_HTTPS = ("job token", CI_IDENTITY)

FILE = "/files/demo-1.0-py3-none-any.whl"


class Cell(NamedTuple):
    """One URL, and the stage on which it is asked for."""

    stage: Stage
    where: Where
    what: What

    @property
    def target(self) -> str:
        """The URL as whoever names it writes it."""
        return self.where.target.replace("://", f"://{self.what.user}") + FILE

    @property
    def index(self) -> str:
        """The index at the source, declared with the user that is known."""
        return self.where.source.replace("://", f"://{self.what.user}") + "/simple"

    def play(self, page: Answer | None = None, **redirects: str) -> None:
        """Let the servers send pages and redirects to all, and files to requests with a login."""

        def script(seen: Seen) -> Answer:
            path = seen.path.removeprefix(f"/t/{SECRET}")
            if path in redirects:
                return redirect(redirects[path])
            if path.startswith("/simple/") and page is not None:
                return page
            return Answer() if seen.authorization or path != seen.path else CHALLENGE

        for recorder in self.stage.servers.recorders:
            recorder.on("/*", script)

    def chain(self, *indexes: authshim.Index) -> authshim.Chain:
        """Make the chain of the user, and of a project perhaps."""
        chain = authshim.Chain.from_environment()
        return authshim.Chain(chain.providers, indexes=indexes)

    def get(self, url: str, login: Callable[..., requests.Session]) -> None:
        """Ask for a URL as a program does."""
        with login(self.chain()) as session, suppress(requests.RequestException):
            session.verify = self.stage.servers.authority.file
            session.get(url, timeout=30)

    def check(self, url: str, *, flat: bool = False) -> None:
        """Ask for an index as ``authshim check`` does."""
        self.stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", self.stage.servers.authority.file)
        index = authshim.Index(url, flat=flat)
        probe(self.chain(index), index, ["demo"])

    def is_sent(self, path: str = FILE) -> bool:
        """Tell if the target got the secret."""
        texts = [
            text for received in self.stage.received.values() for text in received if path in text
        ]
        assert texts, "nobody asked for it"
        return any(told(text, SECRET) for text in texts)


class How(NamedTuple):
    """A way in which a URL comes, with all that happens on it."""

    run: Callable[[Cell], bool]
    """Runs a cell, and tells if the target got what is kept for it."""
    hops: tuple[str, ...] = ()
    """Hosts on the way, besides the source."""
    is_server: bool = True
    """Whether a server names the URL."""
    is_declared: bool = False
    """Whether the source is an index of the project."""
    has_user: bool = True
    """Whether the user before the host survives."""


def _caller(cell: Cell) -> bool:
    cell.play()
    cell.get(cell.target, installed)
    return cell.is_sent()


def _manifest(cell: Cell) -> bool:
    cell.play()
    cell.check(cell.where.target.replace("://", f"://{cell.what.user}") + "/simple")
    return cell.is_sent("/simple/demo/")


def _mirror(cell: Cell) -> bool:
    """Ask for an index for which pixi's configuration names a mirror."""
    cell.play()
    cell.stage.monkeypatch.setenv("REQUESTS_CA_BUNDLE", cell.stage.servers.authority.file)
    target = cell.where.target.replace("://", f"://{cell.what.user}")
    mirrors = [Mirror(f"{cell.where.source}/simple", (f"{target}/mirror/simple",), "/c.toml")]
    probe(cell.chain(), authshim.Index(f"{cell.where.source}/simple"), ["demo"], mirrors)
    return cell.is_sent("/mirror/simple/demo/")


def _redirect(status: int, login: Callable[..., requests.Session]) -> Callable[[Cell], bool]:
    def run(cell: Cell) -> bool:
        cell.play(**{"/start": cell.target})
        cell.get(f"{cell.where.source}/start", login)
        return cell.is_sent()

    return run


def _two_hops(login: Callable[..., requests.Session], host: str) -> Callable[[Cell], bool]:
    """Return what goes through a second server: that of the target, or another one."""

    def run(cell: Cell) -> bool:
        scheme = urlsplit(cell.where.source).scheme
        between = f"{scheme}://{host}" if host else cell.where.target
        cell.play(**{"/start": f"{between}/hop", "/hop": cell.target})
        cell.get(f"{cell.where.source}/start", login)
        return cell.is_sent()

    return run


def _page(make: Callable[[str], Answer], *, flat: bool = False) -> Callable[[Cell], bool]:
    def run(cell: Cell) -> bool:
        cell.play(make(cell.target))
        cell.check(cell.index + ("/all/" if flat else ""), flat=flat)
        return cell.is_sent()

    return run


def _html(link: str) -> Answer:
    return Answer(
        200,
        f'<a href="{link}">demo-1.0-py3-none-any.whl</a>'.encode(),
        {"Content-Type": "text/html"},
    )


def _base(link: str) -> Answer:
    base, _, name = link.rpartition("/")
    text = f'<html><head><base href="{base}/"></head><a href="{name}">{name}</a></html>'
    return Answer(200, text.encode(), {"Content-Type": "text/html"})


def _schemeless(link: str) -> Answer:
    return _html(link.partition(":")[2])


def _json(link: str) -> Answer:
    files = [{"filename": link.rpartition("/")[2], "url": link, "hashes": {}}]
    body: dict[str, Any] = {"meta": {"api-version": "1.1"}, "name": "demo", "files": files}
    return Answer(
        200, json.dumps(body).encode(), {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    )


HOW = {
    "caller": How(_caller, is_server=False),
    "manifest": How(_manifest, is_server=False, is_declared=True),
    "mirror": How(_mirror, is_server=False),
    # All statuses are alike: test_every_kind_of_redirect_is_alike.
    "redirect": How(_redirect(302, installed)),
    "redirect, mounted": How(_redirect(302, mounted)),
    "two hops": How(_two_hops(installed, "c.example"), ("c.example",)),
    "two hops, mounted": How(_two_hops(mounted, "c.example"), ("c.example",)),
    "two hops, the second on the target": How(_two_hops(installed, "")),
    "two hops, the second on the target, mounted": How(_two_hops(mounted, "")),
    "page link": How(_page(_html), is_declared=True, has_user=False),
    "base href": How(_page(_base), is_declared=True, has_user=False),
    "JSON link": How(_page(_json), is_declared=True, has_user=False),
    "find-links": How(_page(_html, flat=True), is_declared=True, has_user=False),
}


def reason(how: How, where: Where, what: str) -> str:
    """Return why a cell is allowed; empty if the target must get nothing."""
    if what in ONLY_OVER_HTTPS and where.target.startswith("http:"):
        return ""
    if what == CI_IDENTITY and not _is_prefix_dev(where):
        return ""
    named = _namer(how, where)
    if named and what == "conda token" and how.is_declared:
        return ""  # it goes to channels, never into the path of a declared PyPI index
    if named:
        is_asked = what not in FOR_ITS_USER or how.has_user or how.is_declared
        return named if is_asked else ""
    if what == "netrc default" or what in ONLY_OVER_HTTPS or what in FOR_ITS_USER:
        return ""
    over_http = _over_http(how, where)
    if where.target.startswith("http:") and not over_http:
        return ""
    if "wildcard" in what:
        return _wildcard(how, where, what)
    return over_http or "it is kept for this very host, and goes by https"


def _is_prefix_dev(where: Where) -> bool:
    host = urlsplit(where.target).hostname or ""
    return host == "prefix.dev" or host.endswith(".prefix.dev")


def _namer(how: How, where: Where) -> str:
    """Return why a URL is not marked."""
    if not how.is_server:
        return "the caller, the manifest or the configuration names it"
    return "" if how.hops or not where.is_one_origin else "the server names a URL of its own"


def _over_http(how: How, where: Where) -> str:
    """Return why a marked URL gets something over plain http."""
    if where.target == where.source:
        return "the chain of requests began there"
    is_loopback = (
        urlsplit(where.source).hostname == "127.0.0.1"
        and urlsplit(where.target).hostname == "localhost"
    )
    return "all servers on the way are http on this machine" if is_loopback and not how.hops else ""


def _wildcard(how: How, where: Where, what: str) -> str:
    """Return why a marked URL gets what is kept for a wildcard."""
    host = urlsplit(where.target).hostname or ""
    domain = host if what == "its own wildcard" else host.rpartition(".")[2]
    way = [urlsplit(where.source).hostname or "", *how.hops]
    is_covered = all(f".{each}".endswith(f".{domain}") for each in way)
    return "the key covers every server on the way" if is_covered else ""
