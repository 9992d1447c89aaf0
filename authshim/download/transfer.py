"""Download one file with the user's credentials.

Invariants:

1. The target is complete and has the expected hashes, or it is unchanged.
2. An interrupted download stays in the partial file, unless its bytes are known to be wrong.
3. The partial file never mixes two versions. It is resumed only if both responses have the same
   strong validator, or if a hash decides at the end.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, NamedTuple, cast

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from authshim import files, next_step
from authshim.download import http_headers, refusal
from authshim.download.partial_file import PartialFile, Source
from authshim.errors import DownloadError, S3Error
from authshim.transport import failures, s3_answer
from authshim.transport.body import iter_body
from authshim.transport.recording import RecordingAdapter
from authshim.urls.presigned import is_presigned
from authshim.urls.s3 import is_s3

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
    transfer = _Transfer(RecordingAdapter(chain), link, partial, progress, note)
    try:
        with partial.opened():
            outcome = transfer.run(sleep)
    except files.Unwritable as error:
        outcome = _Failure(str(error), next_step.NAME_OTHER_FILE())
    except OSError as error:
        reason = f"{target} cannot be read or written: {files.reason(error)}"
        outcome = _Failure(reason, next_step.NAME_OTHER_FILE())
    if isinstance(outcome, Outcome):
        return outcome
    # No frame of this error may hold a response, because its URL may be presigned.
    raise DownloadError(link.shown, outcome.reason, outcome.next_step)


@dataclass(repr=False)
class _Transfer:
    """The requests that complete one partial file."""

    adapter: RecordingAdapter
    link: Link
    partial: PartialFile
    progress: Progress
    note: Note
    has_begun: bool = False
    """True after the first body. Only then is a failed connection worth a retry."""

    def run(self, sleep: Callable[[float], None]) -> Outcome | _Failure:
        """Complete and check the file, and rename it to the target."""
        link, partial = self.link, self.partial
        is_checkable = link.digests and os.path.exists(partial.target)
        if is_checkable and link.wrong_digest(partial.target) is None:
            return Outcome(os.path.getsize(partial.target), is_new=False)
        failure = self._complete(sleep)
        if failure is not None:
            return failure
        wrong = link.wrong_digest(partial.path)
        if wrong is None:
            partial.finish()
            return Outcome(partial.length)
        partial.truncate(0)
        reason = f"its {wrong.algorithm} does not match the URL, so the download was deleted"
        return _Failure(reason, next_step.RUN_AGAIN_OR_GET_URL())

    def _complete(self, sleep: Callable[[float], None]) -> _Failure | None:
        """Send requests until the file is complete. Return the last failure if it never is."""
        retry = Retry(total=MAX_RETRIES, backoff_factor=1)
        with self.adapter.session() as session:
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
        start, validator = self._first_byte(), self.partial.source.validator
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if start and validator:
            headers["If-Range"] = validator
        url, timeout = self.link.url, failures.TIMEOUT
        try:
            response = session.get(url, headers=headers, timeout=timeout, stream=True)
        except S3Error as error:
            return _Failure(error.reason, cast("NextStep", error.next_step))
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            is_transient = isinstance(error, (requests.ConnectionError, requests.Timeout))
            described = failures.describe(error, self.adapter.chain.circumstances)
            return _Failure(*described, retryable=self.has_begun and is_transient)
        with response:
            return self._receive(response, start)

    def _first_byte(self) -> int:
        """Return the first byte to request: 0 unless the partial file can be resumed."""
        source, url = self.partial.source, self.link.url
        if (source.url, source.digests) != (self.link.shown, self._digests):
            return 0
        # The stored URL has no query. Another query may name another file. A signature cannot.
        is_same_url = self.has_begun or "?" not in url or is_presigned(url)
        if not (source.digests or (source.validator and is_same_url)):
            return 0
        if source.size is None:
            return self.partial.length
        # Of a complete partial file the last byte is requested, which confirms its version.
        return max(0, min(self.partial.length, source.size - 1))

    @property
    def _digests(self) -> str:
        return " ".join(map(str, self.link.digests))

    def _receive(self, response: Response, start: int) -> _Failure | None:
        """Write the body of a response that is the file or its rest."""
        status = response.status_code
        if self._is_page(response):
            return _Failure(*refusal.sign_in(response, self.adapter.chain))
        if not (status == 200 or (start and status in (206, 416))):
            return self._refused(response)
        source = self._version_of(response, start)
        if status == 200:
            self._note_beginning(response)
            self.partial.begin(source)
        elif self.partial.source.is_continued_by(source):
            self.note(f"resuming after {self.partial.length:,} bytes")
            self.partial.truncate(start)
        else:
            self.partial.truncate(0)
            return _Failure("the server did not send the rest of the same file", retryable=True)
        return self._append(response, source.size)

    def _is_page(self, response: Response) -> bool:
        """Return True for an HTML page in place of the file. Azure's login page has status 203."""
        path = self.link.url.partition("?")[0].lower()
        is_wanted = path.endswith((*_HTML, "/")) or self.partial.target.lower().endswith(_HTML)
        is_html = "html" in response.headers.get("Content-Type", "").lower()
        status = response.status_code
        return status == 203 or (status == 200 and is_html and not is_wanted)

    def _note_beginning(self, response: Response) -> None:
        if self.partial.length:
            self.note("starting over: the file has changed, or the server cannot resume it")
        if _is_encoded(response):
            self.note("the server encoded the body, which is written as it is")

    def _version_of(self, response: Response, start: int) -> Source:
        """Return the version of the file in a response, or none if it cannot be joined."""
        status, size = response.status_code, response.raw.length_remaining
        if status == 206:
            content_range = response.headers.get("Content-Range", "")
            size = http_headers.size_of_rest(content_range, start, size)
        is_rest = status == 206 and size is not None
        if _is_encoded(response) or not (status == 200 or is_rest):
            return Source(self.link.shown, size=size)
        validator = http_headers.validator(response.headers)
        return Source(self.link.shown, self._digests, validator, size)

    def _append(self, response: Response, size: int | None) -> _Failure | None:
        """Append the body until the partial file has ``size`` bytes, or until the body ends."""
        self.has_begun = True
        partial, is_complete = self.partial, False
        self.progress(partial.length, size)
        most = sys.maxsize if size is None else size
        with suppress(HTTPError):
            for data in iter_body(response):
                # A server may send more than it announced.
                partial.append(data[: most - partial.length])
                self.progress(partial.length, size)
                if partial.length == most:
                    break
            is_complete = size in (None, partial.length)
        if is_complete:
            return None
        received = f"{partial.length:,}"
        if size is not None:
            received += f" of {size:,}"
        return _Failure(f"the connection broke after {received} bytes", retryable=True)

    def _describe(self, response: Response) -> tuple[str, NextStep]:
        """Return the reason of a refusal, and the next step."""
        chain, route = self.adapter.chain, self.adapter.last_route
        if is_s3(self.link.url) and route is not None:
            answer = s3_answer.describe(response, route, chain)
            return answer.reason, answer.next_step
        found = self.adapter.last_credential
        return refusal.describe(response, found, chain, self.link.url)

    def _refused(self, response: Response) -> _Failure:
        status = response.status_code
        reason, step = self._describe(response)
        wait = 0.0
        if status in (429, 503):
            wait = http_headers.retry_after(response.headers)
        if wait > MAX_WAIT_SECONDS:
            return _Failure(reason, next_step.RUN_AGAIN_IN(seconds=f"{wait:.0f}"))
        is_transient = self.has_begun and status >= 500
        return _Failure(reason, step, retryable=is_transient or wait > 0, wait=wait)


def _is_encoded(response: Response) -> bool:
    return response.headers.get("Content-Encoding", "identity").lower() != "identity"
