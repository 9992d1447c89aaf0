"""Get one file with the credentials that its user keeps: whole, checked and under its name, or not at all.

Invariants:

1. The target is a whole file whose hashes are right, or what it was before.
2. What has come stays in the part, whatever ends the download, unless it is known to be wrong.
3. The bytes of two versions never meet: only the rest of the version that the part began with is added to it.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Callable, NamedTuple

import requests
from urllib3.exceptions import HTTPError

from authshim import files, ranges, refusal, trouble
from authshim.errors import DownloadError
from authshim.part import Full, Part, Source
from authshim.urls import is_presigned
from authshim.witness import Witness, as_it_comes

if TYPE_CHECKING:
    from requests import Response, Session

    from authshim.chain import Chain
    from authshim.link import Link

WAITS = (1, 2, 4, 8, 16)
"""Seconds before each further try, after the connection broke."""

LONGEST_WAIT = 60
"""Seconds for which a server may ask to be left alone, once."""

WRITTEN, REPLACED, ALREADY_THERE = "written", "replaced", "already there"

_HTML = (".html", ".htm")
_NAMES = re.compile(r"[a-z0-9, -]{0,40}")
"""Encodings, by name."""


class Got(NamedTuple):
    """A file that is there now."""

    size: int
    how: str
    """One of the words above."""
    encoding: str = ""
    """The ``Content-Encoding`` that its bytes still have; the server was asked for none."""


class _Trouble(NamedTuple):
    """Why all has not come, and what to do about it."""

    reason: str
    next_step: str
    passes: bool = False
    """Whether it may be gone at the next try."""
    wait: int | None = None
    """Seconds after which the server wants to be asked again."""


def get(
    chain: Chain,
    link: Link,
    target: str,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    say: Callable[[str], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Got:
    """Download a file, and go on with what an earlier download has left of it.

    :param target: a file that is there is replaced, once the new one is whole; not where it has the link's hashes.
    :param progress: is told how many bytes there are, and how many there will be, where that is known.
    :param say: is told of breaks and waits.
    :raises DownloadError: there is no file; the error says what to do.
    """
    part = Part(target)
    try:
        with part.opened():
            there = os.path.exists(part.target)
            if there and link.digests and link.wrong_digest(part.target) is None:
                return Got(os.path.getsize(part.target), ALREADY_THERE)
            transfer = _Transfer(chain, link, part, progress, say)
            failure = transfer.run(sleep) or _finish(link, part)
            if failure is None:
                return Got(part.length, REPLACED if there else WRITTEN, transfer.encoding)
    except (files.Unwritable, OSError) as error:
        failure = _of_files(error, target)
    # Here no frame holds a response, which may have been redirected to a presigned URL.
    raise DownloadError(link.shown, failure.reason, failure.next_step)


def _finish(link: Link, part: Part) -> _Trouble | None:
    wrong = link.wrong_digest(part.path)
    if wrong is not None:
        part.drop()
        reason = f"its {wrong.algorithm} is not the one in the URL, so it was thrown away"
        return _Trouble(reason, "run it again; where that does not help, get the URL anew from the index")
    part.finish()
    return None


def _of_files(error: Exception, target: str) -> _Trouble:
    if isinstance(error, files.Held):
        return _Trouble(f"another process is getting {target}", "wait for it, or name another file by -o")
    if isinstance(error, Full):
        return _Trouble(str(error), "free some space, and run it again")
    reason = str(error) if isinstance(error, files.Unwritable) else f"{target} cannot be read: {files.reason(error)}"
    return _Trouble(reason, "name another file by -o")


class _Transfer:
    """The requests that it takes until a part is whole."""

    def __init__(
        self,
        chain: Chain,
        link: Link,
        part: Part,
        progress: Callable[[int, int | None], None] | None,
        say: Callable[[str], None] | None,
    ) -> None:
        self._chain = chain
        self._link = link
        self._part = part
        self._progress = progress or (lambda _length, _size: None)
        self._say = say or (lambda _text: None)
        self._witness = Witness(chain)
        self._mine = Source(link.shown, " ".join(map(str, link.digests)))
        self._has_begun = False
        self.encoding = ""

    def run(self, sleep: Callable[[float], None]) -> _Trouble | None:
        """Ask until the part is whole, or until that is given up."""
        waits, may_ask_to_wait = iter(WAITS), True
        with self._witness.session() as session:
            while True:
                failure = self._try(session)
                if failure is None:
                    return None
                wait = next(waits, None) if failure.passes else None
                if failure.wait is not None and may_ask_to_wait:
                    wait, may_ask_to_wait = failure.wait, False
                if wait is None:
                    return failure
                self._say(f"{failure.reason}; trying again in {wait} s")
                sleep(wait)

    def _try(self, session: Session) -> _Trouble | None:
        """Ask once for what is missing."""
        start = self._part.length if self._goes_on() else 0
        try:
            response = session.get(self._link.url, headers=self._headers(start), timeout=trouble.TIMEOUT, stream=True)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            # Where there was a connection before, there may be one again.
            return _Trouble(*trouble.why(error), passes=self._has_begun and _may_pass(error))
        with response:
            if self._is_page(response):
                return _Trouble(*refusal.sign_in(response, self._chain))
            if start and response.status_code in (206, 416):
                return self._go_on(response, start)
            return self._begin(response) if response.status_code == 200 else self._refused(response)

    def _goes_on(self) -> bool:
        """Tell whether the rest of what the part began with can be asked for."""
        source = self._part.source
        if source is None or (source.url, source.digests) != (self._mine.url, self._mine.digests):
            return False
        # A query, which is not kept, may name the file; that of a presigned URL only signs it.
        same = self._has_begun or "?" not in self._link.url or is_presigned(self._link.url)
        return bool(source.digests) or (bool(source.validator) and same)

    def _headers(self, start: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self._part.source and self._part.source.validator:
                headers["If-Range"] = self._part.source.validator
        return headers

    def _is_page(self, response: Response) -> bool:
        """Tell a page for people where none was asked for; Azure's to sign in comes with 203."""
        is_html = response.status_code == 200 and "html" in response.headers.get("Content-Type", "").lower()
        path = self._link.url.partition("?")[0].lower()
        is_wanted = path.endswith((*_HTML, "/")) or self._part.target.lower().endswith(_HTML)
        return response.status_code == 203 or (is_html and not is_wanted)

    def _begin(self, response: Response) -> _Trouble | None:
        """Take the whole file."""
        if self._part.length:
            self._say("starting over: the file has changed, or its rest cannot be asked for")
        size, version = ranges.length(response.headers), ranges.validator(response.headers)
        self._part.begin(self._mine._replace(validator=version, size=size))
        return self._receive(response, size)

    def _go_on(self, response: Response, start: int) -> _Trouble | None:
        """Take the rest of the file, where it is just that: not every server looks at ``If-Range``."""
        source, span = self._part.source or self._mine, ranges.span(response.headers) or ranges.Span()
        size = source.size if span.size is None else span.size
        if response.status_code == 416 and size == start:
            return None  # it had all come before
        is_same = ranges.validator(response.headers) in ("", source.validator) and source.size in (None, size)
        if response.status_code == 416 or span.first != start or not is_same:
            self._part.drop()
            return _Trouble("the server did not send the rest that it was asked for", "run it again", passes=True)
        self._say(f"going on after {start:,} bytes")
        return self._receive(response, size)

    def _receive(self, response: Response, size: int | None) -> _Trouble | None:
        """Write what comes.

        :param size: of the whole file; None: what comes until the connection ends.
        """
        self._has_begun = True
        encoding = response.headers.get("Content-Encoding", "").lower()
        self.encoding = "" if encoding == "identity" else encoding if _NAMES.fullmatch(encoding) else "?"
        self._progress(self._part.length, size)
        try:
            for data in as_it_comes(response, decode=False):
                self._part.append(data if size is None else data[: size - self._part.length])
                self._progress(self._part.length, size)
                if self._part.length == size:
                    break  # a server may send more than it said
            is_whole = size is None or self._part.length == size
        except HTTPError:
            is_whole = False
        if is_whole:
            return None
        of = "" if size is None else f" of {size:,}"
        return _Trouble(f"the connection broke after {self._part.length:,}{of} bytes", "run it again", passes=True)

    def _refused(self, response: Response) -> _Trouble:
        status = response.status_code
        reason, step = refusal.why(response, self._witness.found, self._chain, self._link.url)
        wait = ranges.retry_after(response.headers, time.time()) if status in (429, 503) else None
        if wait is not None and wait > LONGEST_WAIT:
            return _Trouble(reason, f"run it again in {wait} s, as the server asks")
        return _Trouble(reason, step, passes=self._has_begun and status >= 500, wait=wait)


def _may_pass(error: Exception) -> bool:
    """Tell a connection that broke from one that is not allowed."""
    broke = isinstance(error, (requests.ConnectionError, requests.Timeout))
    return broke and not isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError))
