"""Download one file with the user's credentials.

Invariants:

1. The target is complete and has the expected hashes, or it is unchanged.
2. An interrupted download stays in the partial file, unless its bytes are known to be wrong.
3. The partial file never mixes two versions. It is resumed only if both responses have the same
   strong validator, or if a hash decides at the end.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from authshim import files, next_step
from authshim.download import http_headers, refusal
from authshim.download.partial_file import PartialFile, Source
from authshim.errors import DownloadError
from authshim.transport import failures
from authshim.transport.body import iter_body
from authshim.transport.recording import RecordingAdapter
from authshim.urls import is_presigned

if TYPE_CHECKING:
    from requests import Response, Session

    from authshim.download.link import Link
    from authshim.lookup.chain import Chain
    from authshim.next_step import NextStep

    Progress = Callable[[int, "int | None"], None]
    Note = Callable[[str], None]

MAX_RETRIES = 5

MAX_WAIT_SECONDS = 60
"""The longest ``Retry-After`` that is obeyed."""

_HTML = (".html", ".htm")


class Outcome(NamedTuple):
    """A completed download."""

    size: int
    is_new: bool = True
    """False if the target already had the expected hashes."""


class _Failure(NamedTuple):
    """A reason why the file is not complete, and the next step for the user."""

    reason: str
    next_step: NextStep = next_step.RUN_AGAIN()
    retryable: bool = False
    wait: float = 0
    """Seconds that the server wants to wait before the retry."""


def get(
    chain: Chain,
    link: Link,
    target: str,
    *,
    progress: Progress = lambda _length, _size: None,
    note: Note = lambda _text: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Download a file to ``target``, and resume what an earlier run left behind.

    :param progress: called with the bytes received so far and the size, if known.
    :param note: called with a sentence about each retry.
    :raises DownloadError: the target is unchanged. The error names the next step.
    """
    partial = PartialFile(target)
    try:
        with partial.opened():
            outcome = _get(_Transfer(RecordingAdapter(chain), link, partial, progress, note), sleep)
    except files.Unwritable as error:
        outcome = _Failure(str(error), next_step.NAME_OTHER_FILE())
    except OSError as error:
        reason = f"{target} cannot be read or written: {files.reason(error)}"
        outcome = _Failure(reason, next_step.NAME_OTHER_FILE())
    if isinstance(outcome, Outcome):
        return outcome
    # No frame of this error may hold a response, because its URL may be presigned.
    raise DownloadError(link.shown, outcome.reason, outcome.next_step)


def _get(transfer: _Transfer, sleep: Callable[[float], None]) -> Outcome | _Failure:
    link, partial = transfer.link, transfer.partial
    is_checkable = link.digests and os.path.exists(partial.target)
    if is_checkable and link.wrong_digest(partial.target) is None:
        return Outcome(os.path.getsize(partial.target), is_new=False)
    failure = transfer.run(sleep)
    if failure is not None:
        return failure
    wrong = link.wrong_digest(partial.path)
    if wrong is not None:
        partial.truncate(0)
        reason = f"its {wrong.algorithm} does not match the URL, so the download was deleted"
        return _Failure(reason, next_step.RUN_AGAIN_OR_GET_URL())
    partial.finish()
    return Outcome(partial.length)


@dataclass(repr=False)
class _Transfer:
    """The requests that complete one partial file."""

    witness: RecordingAdapter
    link: Link
    partial: PartialFile
    progress: Progress
    note: Note
    has_begun: bool = False
    """True after the first body. Only then is a failed connection worth a retry."""

    @property
    def source(self) -> Source:
        """Return the description of the file before its version is known."""
        return Source(self.link.shown, " ".join(map(str, self.link.digests)))

    def run(self, sleep: Callable[[float], None]) -> _Failure | None:
        """Send requests until the file is complete. Return the last failure if it never is."""
        retry = Retry(total=MAX_RETRIES, backoff_factor=1)
        with self.witness.session() as session:
            while True:
                failure = self._request(session)
                if failure is None or not failure.retryable or not retry.total:
                    return failure
                retry = retry.increment("GET")
                wait = failure.wait or retry.get_backoff_time()
                self.note(f"{failure.reason}; retrying in {wait:.0f} s")
                sleep(wait)

    def _request(self, session: Session) -> _Failure | None:
        """Request the missing bytes once."""
        start = self._first_byte()
        url, headers, timeout = self.link.url, self._headers(start), failures.TIMEOUT
        try:
            response = session.get(url, headers=headers, timeout=timeout, stream=True)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            is_transient = isinstance(error, (requests.ConnectionError, requests.Timeout))
            reason, step = failures.describe(error, self.witness.chain.circumstances)
            return _Failure(reason, step, retryable=self.has_begun and is_transient)
        with response:
            return self._receive(response, start)

    def _first_byte(self) -> int:
        """Return the first byte to request: 0 unless the partial file can be resumed."""
        length, source = self.partial.length, self.partial.source
        if not length or source is None or not self._is_resumable(source):
            return 0
        if source.size is None:
            return length
        # Of a complete partial file the last byte is requested, which confirms its version.
        return max(0, min(length, source.size - 1))

    def _is_resumable(self, source: Source) -> bool:
        if (source.url, source.digests) != (self.source.url, self.source.digests):
            return False
        # The stored URL has no query. Another query may name another file. A signature cannot.
        is_same_url = self.has_begun or "?" not in self.link.url or is_presigned(self.link.url)
        return bool(source.digests or (source.validator and is_same_url))

    def _headers(self, start: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if self.partial.source and self.partial.source.validator:
                headers["If-Range"] = self.partial.source.validator
        return headers

    def _receive(self, response: Response, start: int) -> _Failure | None:
        """Write the body of a response that is the file or its rest."""
        status = response.status_code
        if self._is_page(response):
            return _Failure(*refusal.sign_in(response, self.witness.chain))
        if status == 200:
            return self._begin(response)
        if not start or status not in (206, 416):
            return self._refused(response)
        size = http_headers.size_of_rest(response.headers, start)
        if status != 206 or size is None or not self._is_same_version(response, size):
            self.partial.truncate(0)
            return _Failure("the server did not send the rest of the same file", retryable=True)
        self.note(f"resuming after {self.partial.length:,} bytes")
        self.partial.truncate(start)
        return self._append(response, size)

    def _is_page(self, response: Response) -> bool:
        """Return True for an HTML page in place of the file. Azure's login page has status 203."""
        if response.status_code == 203:
            return True
        path = self.link.url.partition("?")[0].lower()
        is_wanted = path.endswith((*_HTML, "/")) or self.partial.target.lower().endswith(_HTML)
        is_html = "html" in response.headers.get("Content-Type", "").lower()
        return response.status_code == 200 and is_html and not is_wanted

    def _begin(self, response: Response) -> _Failure | None:
        """Receive the complete file."""
        if self.partial.length:
            self.note("starting over: the file has changed, or the server cannot resume it")
        size = http_headers.content_length(response.headers)
        source = Source(*self.source[:2], http_headers.validator(response.headers), size)
        if _is_encoded(response):
            self.note("the server encoded the body, which is written as it is")
            # Without a validator and hashes this body is never joined with another one.
            source = Source(self.source.url)
        self.partial.begin(source)
        return self._append(response, size)

    def _is_same_version(self, response: Response, size: int) -> bool:
        """Compare strong validators. Without one in the response, only a hash allows to resume."""
        source, version = self.partial.source, http_headers.validator(response.headers)
        if source is None or source.size not in (None, size) or _is_encoded(response):
            return False
        return version == source.validator if version else bool(source.digests)

    def _append(self, response: Response, size: int | None) -> _Failure | None:
        """Append the body until the partial file has ``size`` bytes, or until the body ends."""
        self.has_begun = True
        self.progress(self.partial.length, size)
        try:
            self._append_body(response, size)
            is_complete = size in (None, self.partial.length)
        except HTTPError:
            is_complete = False
        if is_complete:
            return None
        received = f"{self.partial.length:,}"
        if size is not None:
            received += f" of {size:,}"
        return _Failure(f"the connection broke after {received} bytes", retryable=True)

    def _append_body(self, response: Response, size: int | None) -> None:
        partial = self.partial
        for data in iter_body(response):
            # A server may send more than it announced.
            rest = None if size is None else size - partial.length
            partial.append(data[:rest])
            self.progress(partial.length, size)
            if partial.length == size:
                return

    def _refused(self, response: Response) -> _Failure:
        status = response.status_code
        found = self.witness.last_credential
        reason, step = refusal.describe(response, found, self.witness.chain, self.link.url)
        wait = http_headers.retry_after(response.headers) if status in (429, 503) else 0
        if wait > MAX_WAIT_SECONDS:
            return _Failure(reason, next_step.RUN_AGAIN_IN(seconds=f"{wait:.0f}"))
        is_transient = self.has_begun and status >= 500
        return _Failure(reason, step, retryable=is_transient or wait > 0, wait=wait)


def _is_encoded(response: Response) -> bool:
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"
