"""Probe an index or channel with one small request, and name what it answered."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import requests

from authshim import advice
from authshim.adapter import install
from authshim.errors import UrlError
from authshim.manifest import Index
from authshim.urls import parse, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.chain import Chain
    from authshim.manifest import Channel, Manifest
    from authshim.trace import Found

OPEN, LET_IN, NO_CREDENTIAL, REJECTED = "open", "let in", "no credential", "rejected"
FORBIDDEN, NOT_FOUND, UNREACHABLE, NOT_PROBED = "forbidden", "not found", "unreachable", "not probed"

TIMEOUT = (10, 30)
"""Seconds to connect, and to the first bytes of an answer."""

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""Asked for where the project names no package of its own: an index that lets in says 404."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_SCHEMES = ("file", "s3", "oci")


class Result(NamedTuple):
    """What one index or channel answered."""

    kind: str
    """"index", "flat index" or "channel"."""
    url: str
    """As declared, redacted."""
    answer: str
    """One of the words above."""
    status: int | None = None
    """Of HTTP; None where nothing was answered."""
    found: Found | None = None
    """The credential that was sent."""
    detail: str = ""
    """Why, where the word does not say it all."""
    next_step: str = ""
    """What to do about it; empty where nothing is to be done."""

    @property
    def fine(self) -> bool:
        """Whether its user can work with it."""
        return self.answer in (OPEN, LET_IN) or (self.answer == NOT_PROBED and not self.next_step)


def check(chain: Chain, manifest: Manifest, environment: str | None = None) -> Iterator[Result]:
    """Probe every index and channel of a project, side by side; results come in the project's order.

    :param environment: a pixi environment; None: all of them.
    """
    places: list[Index | Channel] = [*manifest.indexes(environment), *manifest.channels(environment)]
    names = manifest.pypi_dependencies(environment)
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield from pool.map(lambda place: probe(chain, place, names), places)


def probe(chain: Chain, place: Index | Channel, names: Sequence[str] = ()) -> Result:
    """Ask one index or channel for something small.

    :param names: packages of the project; an index is asked for the page of the first.
    """
    kind = "channel" if not isinstance(place, Index) else "flat index" if place.flat else "index"
    unfilled = re.search(r"<[^>]*>|\{[^}]*\}|\$\w+", place.url)
    if unfilled:
        hole = unfilled.group()
        step = f"fill in {hole} in the {kind}'s URL"
        return Result(kind, redact(place.url), NOT_PROBED, detail=f"{hole} is not filled in", next_step=step)
    scheme = place.url.partition(":")[0]
    if scheme in _SCHEMES:
        return Result(kind, redact(place.url), NOT_PROBED, detail=f"{scheme} is not http(s)")
    return _Probe(chain, place, kind).run(names[0] if names else NOBODYS_NAME)


class _Probe:
    """One place, asked once; once more where a missing page may mean a missing index."""

    def __init__(self, chain: Chain, place: Index | Channel, kind: str) -> None:
        self._chain = chain
        self._url = place.url
        self._username = place.username
        self._kind = kind
        self._session = install(requests.Session(), chain)

    def run(self, name: str) -> Result:
        target = self._target(name)
        try:
            parse(target)
            status, found = self._ask("GET", target)
            if status == 404 and self._kind == "index" and self._ask("HEAD", self._url)[0] != 404:
                status = 200  # the page is not there, but the index is
        except UrlError as error:
            return self._result(UNREACHABLE, None, None, error.reason, "correct the URL")
        except (requests.RequestException, OSError) as error:
            return self._result(UNREACHABLE, None, None, *_trouble(error))
        finally:
            self._session.close()
        return self._judge(status, found)

    def _target(self, name: str) -> str:
        if self._kind == "channel":
            return f"{self._url.rstrip('/')}/noarch/repodata.json"
        return self._url if self._kind == "flat index" else f"{self._url.rstrip('/')}/{name}/"

    def _ask(self, method: str, url: str) -> tuple[int, Found | None]:
        """Return the status and the credential that was sent; the body stays unread."""
        sent = self._chain.find(url)
        headers = {} if self._kind == "channel" else {"Accept": _ACCEPT}
        with self._session.request(method, url, headers=headers, timeout=TIMEOUT, stream=True) as response:
            # Where nothing was sent at first, an answer to the refusal may have been.
            return response.status_code, sent or self._chain.find(url)

    def _judge(self, status: int, found: Found | None) -> Result:
        is_index = self._kind != "channel"
        if status < 400:
            return self._result(OPEN if found is None else LET_IN, status, found)
        if status in (401, 403) and found is None:
            step = advice.log_in(self._url, self._username, is_index=is_index)
            return self._result(NO_CREDENTIAL, status, None, self._chain.note or "no provider has one", step)
        if status == 401 and found is not None:
            return self._result(REJECTED, status, found, "", advice.log_in_again(self._url, found, is_index=is_index))
        if status == 403:
            step = "ask its owner to let this user read it, or log in as another"
            return self._result(FORBIDDEN, status, found, "the user is known there, but may not read it", step)
        if status in (404, 410):
            return self._result(NOT_FOUND, status, found, self._missing_simple(), "correct the URL")
        return self._result(UNREACHABLE, status, found, f"the server answered {status}", "try again later")

    def _missing_simple(self) -> str:
        if self._kind != "index" or self._url.rstrip("/").endswith("simple"):
            return ""
        return "the URL of an index mostly ends with /simple"

    def _result(
        self, answer: str, status: int | None, found: Found | None, detail: str = "", next_step: str = ""
    ) -> Result:
        url = redact(_with_user(self._url, self._username))
        return Result(self._kind, url, answer, status, found, detail, next_step)


def _with_user(url: str, username: str | None) -> str:
    return url if username is None else url.replace("://", f"://{username}@", 1)


def _trouble(error: Exception) -> tuple[str, str]:
    """Say why nothing was answered, and what to do about it."""
    words = "".join(type(part).__name__ + " " for part in _chain_of(error))
    if "ProxyError" in words:
        return "the proxy did not let through", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    if "SSL" in words or "Certificate" in words or "certificate" in str(error) or "CA_BUNDLE" in str(error):
        return "its TLS certificate does not verify", "set REQUESTS_CA_BUNDLE to the file of your company's CA"
    if "NameResolution" in words or "gaierror" in words:
        return "its name is not known to DNS", "check the host name, and the network or VPN"
    if "Timeout" in words:
        return f"no answer within {TIMEOUT[1]} s", "try again later, or check the network or VPN"
    if "TooManyRedirects" in words:
        return "it redirects without end", "correct the URL"
    return "the connection was refused or broke", "check the host and port, and the network or VPN"


def _chain_of(error: object) -> Iterator[BaseException]:
    """Yield an exception and all that it was made of."""
    if isinstance(error, BaseException):
        yield error
        for part in (*error.args, getattr(error, "reason", None)):
            yield from _chain_of(part)
