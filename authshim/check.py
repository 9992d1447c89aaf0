"""Probe an index or channel with one small request, and name what it answered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import requests
from urllib3.exceptions import HTTPError

from authshim import advice, trouble
from authshim.errors import UrlError
from authshim.manifest import Index
from authshim.pages import ACCEPT, is_sign_in_page
from authshim.urls import parse, with_username
from authshim.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from authshim.chain import Chain
    from authshim.manifest import Channel, Manifest
    from authshim.trace import Found

OPEN, LET_IN, NO_CREDENTIAL, REJECTED = "open", "let in", "no credential", "rejected"
FORBIDDEN, NOT_FOUND, UNREACHABLE, NOT_PROBED = "forbidden", "not found", "unreachable", "not probed"

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""Asked for where the project names no package of its own: an index that lets in says 404."""

_NOBODY = "no provider has one"
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
    indexes = [*manifest.indexes(environment), *manifest.own_indexes(environment)]
    places: list[Index | Channel] = [*indexes, *manifest.channels(environment)]
    wanted = manifest.dependencies(environment)
    names = [each.name for each in wanted if not each.origin and each.own_index is None]
    with ThreadPoolExecutor(max_workers=16) as pool:
        yield from pool.map(lambda place: probe(chain, place, names), places)


def probe(chain: Chain, place: Index | Channel, names: Sequence[str] = ()) -> Result:
    """Ask one index or channel for something small.

    :param names: packages of the project; an index is asked for the page of the first.
    """
    kind = "channel" if not isinstance(place, Index) else "flat index" if place.flat else "index"
    if place.hole:
        step = f"fill in {place.hole} in the {kind}'s URL"
        return Result(kind, place.shown, NOT_PROBED, detail=f"{place.hole} is not filled in", next_step=step)
    scheme = place.url.partition(":")[0]
    if scheme in _SCHEMES:
        return Result(kind, place.shown, NOT_PROBED, detail=f"{scheme} is not http(s)")
    return _Probe(chain, place, kind).run(names[0] if names else NOBODYS_NAME)


class _Answer(NamedTuple):
    """What came of one request, redirects included."""

    status: int
    found: Found | None
    host: str
    is_sign_in_page: bool


class _Probe:
    """One place, asked once; once more where a missing page may mean a missing index."""

    def __init__(self, chain: Chain, place: Index | Channel, kind: str) -> None:
        self._chain = chain
        self._place = place
        self._kind = kind
        self._witness = Witness(chain)
        self._session = self._witness.session()

    def run(self, name: str) -> Result:
        try:
            parse(self._place.url)
            answer = self._ask("GET", self._target(name))
            if answer.status == 404 and self._kind == "index":
                root = self._ask("HEAD", "")
                # Where the root is there, or says who may read it, only the page was missing.
                answer = root if root.status < 400 or root.status in (401, 403) else answer
                answer = root._replace(status=200) if root.status == 405 else answer
        except UrlError as error:
            return self._result(UNREACHABLE, None, error.reason, "correct the URL")
        except (requests.RequestException, HTTPError, UnicodeError, OSError) as error:
            return self._result(UNREACHABLE, None, *trouble.why(error))
        finally:
            self._session.close()
        return self._judge(answer)

    def _target(self, name: str) -> str:
        return {"channel": "/noarch/repodata.json", "flat index": ""}.get(self._kind, f"/{name}/")

    def _ask(self, method: str, below: str) -> _Answer:
        """Send one request as the place's own user; the body stays unread."""
        url = self._place.url
        if below:
            url = url.rstrip("/") + below
        headers = {} if self._kind == "channel" else {"Accept": ACCEPT}
        target = with_username(url, self._place.username)
        with self._session.request(method, target, headers=headers, timeout=trouble.TIMEOUT, stream=True) as response:
            host = parse(response.url).host
            return _Answer(response.status_code, self._witness.found, host, is_sign_in_page(response))

    def _judge(self, answer: _Answer) -> Result:
        status, found = answer.status, answer.found
        if answer.is_sign_in_page or (status in (401, 403) and found is None):
            detail = "it showed a page to sign in" if answer.is_sign_in_page else self._chain.note or _NOBODY
            return self._result(NO_CREDENTIAL, answer, detail, self._log_in())
        if status < 400:
            return self._result(OPEN if found is None else LET_IN, answer)
        if found is not None and status in (401, 403):
            return self._refused(answer, found)
        if status in (404, 410):
            step = "correct the URL" if found else f"correct the URL, or log in: {self._log_in()}"
            return self._result(NOT_FOUND, answer, self._missing_simple(), step)
        return self._result(UNREACHABLE, answer, f"the server answered {status}", "try again later")

    def _refused(self, answer: _Answer, found: Found) -> Result:
        if answer.status == 401:
            return self._result(REJECTED, answer, "", advice.log_in_again(self._place.url, found))
        why = "this user may not read it" if found.accepted else "the password is wrong, or this user may not read it"
        return self._result(FORBIDDEN, answer, why, "ask its owner to let this user read it, or log in as another")

    def _log_in(self) -> str:
        by_keyring = self._kind != "channel" and self._chain.asks_keyring
        return advice.log_in(self._place.url, self._place.username, by_keyring=by_keyring)

    def _missing_simple(self) -> str:
        if self._kind != "index" or self._place.url.rstrip("/").endswith("simple"):
            return ""
        return "the URL of an index mostly ends with /simple"

    def _result(self, word: str, answer: _Answer | None, detail: str = "", next_step: str = "") -> Result:
        status, found = (answer.status, answer.found) if answer else (None, None)
        elsewhere = answer is not None and status != 200 and answer.host != parse(self._place.url).host
        said = "; ".join(part for part in (f"{answer.host} said so" if answer and elsewhere else "", detail) if part)
        return Result(self._kind, self._place.shown, word, status, found, said, next_step)
