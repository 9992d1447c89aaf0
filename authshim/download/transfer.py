"""Download one file with the user's credentials.

Invariants:

1. The target is complete and has the expected hash, or it is unchanged.
2. An interrupted download stays in the partial file, unless its bytes are known to be wrong.
3. The partial file never mixes two versions. It is resumed only if both responses have the same
   strong ETag, or if a hash decides at the end.
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Callable

from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util.retry import Retry

from authshim import files, next_step
from authshim.download.partial_file import UNKNOWN, PartialFile, Source
from authshim.errors import DownloadError
from authshim.index.answer import FOUND, UNREACHABLE, Answer, full_reason
from authshim.index.client import IndexClient
from authshim.index.judge import Judge
from authshim.index.question import Question
from authshim.log import logger
from authshim.project.repositories import Repository
from authshim.transport.body import iter_body

if TYPE_CHECKING:
    from requests import Response

    from authshim.download.link import Link
    from authshim.lookup.chain import Chain

    Progress = Callable[[int, "int | None"], None]

MAX_RETRIES = 5

MAX_WAIT_SECONDS = 60
"""The longest ``Retry-After`` that is obeyed."""

_STRONG_ETAG = re.compile(r'"[!#-~]*"')


def get(
    chain: Chain,
    link: Link,
    target: str,
    *,
    progress: Progress = lambda _length, _size: None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Download a file to ``target``, resume what an earlier run left behind, and return the size.

    :param progress: called with the bytes received so far and the size, if known.
    :raises DownloadError: the target is unchanged. The error names the next step.
    """
    partial_file = PartialFile(target)
    try:
        with closing(IndexClient(chain)) as client, partial_file.opened():
            _Transfer(client, link, partial_file, progress).run(sleep)
            return partial_file.length
    except files.Unwritable as error:
        failed = DownloadError(link.shown, str(error), next_step.NAME_OTHER_FILE())
    except DownloadError as error:
        failed = DownloadError(error.url, error.reason, error.next_step)
    # Raised here, it has no frame that holds a response. The URL of one may be presigned.
    raise failed


class _Transfer:
    """The requests that complete one partial file."""

    def __init__(
        self,
        client: IndexClient,
        link: Link,
        partial_file: PartialFile,
        progress: Progress,
    ) -> None:
        self._client = client
        self._link = link
        self._place = Repository(link.url)
        self._partial = partial_file
        self._progress = progress
        self._has_begun = False
        self._wait = 0.0

    def run(self, sleep: Callable[[float], None]) -> None:
        """Complete and check the file, and rename it to the target.

        :raises DownloadError: the server does not send it, or its hash differs.
        """
        link = self._link
        answer = self._complete(sleep)
        if answer.answer != FOUND:
            verdict = Judge(self._client, self._place, "file").judge(answer)
            detail = full_reason(verdict.found, verdict.status, verdict.detail)
            reason = f"{verdict.answer} ({detail})"
            raise DownloadError(link.shown, reason, verdict.next_step)
        if not link.matches(self._partial.path):
            self._partial.truncate(0)
            reason = f"its {link.algorithm} does not match the URL, so the download was deleted"
            raise DownloadError(link.shown, reason, next_step.RUN_AGAIN_OR_GET_URL())
        self._partial.finish()

    def _complete(self, sleep: Callable[[float], None]) -> Answer:
        """Send requests until the file is complete, or until no retry can help."""
        retry = Retry(total=MAX_RETRIES, backoff_factor=1)
        while True:
            answer = self._request()
            is_broken = self._has_begun and answer.answer == UNREACHABLE
            is_transient = is_broken or self._wait > 0
            if not is_transient or retry.total == 0:
                return answer
            retry = retry.increment("GET")
            wait = self._wait or retry.get_backoff_time()
            logger.warning("%s; retrying in %.0f s", answer.detail, wait)
            sleep(wait)

    def _request(self) -> Answer:
        """Request the missing bytes once, and write them."""
        self._wait = 0.0
        headers = {"Accept-Encoding": "identity"}
        start = self._first_byte()
        validator = self._partial.source.validator
        if start:
            headers["Range"] = f"bytes={start}-"
        if start and validator:
            headers["If-Range"] = validator
        question = Question(
            self._place,
            self._link.url,
            headers=headers,
            read=partial(self._receive, start),
        )
        return self._client.ask(question)

    def _first_byte(self) -> int:
        """Return the first byte to request: 0 unless the partial file can be resumed."""
        source = self._partial.source
        if source.file != self._link.identity:
            return 0
        if not source.validator and not self._link.digest:
            return 0
        return self._partial.length

    def _receive(self, start: int, answer: Answer, response: Response) -> Answer:
        """Write the body of a response that is the file, or its rest from ``start``."""
        self._wait = _retry_after(response)
        self._has_begun = self._has_begun or start > 0 or answer.answer == FOUND
        try:
            if response.status_code == 416:
                self._partial.truncate(0)
            if answer.answer != FOUND:
                return answer
            if response.status_code == 206:
                return self._resume(start, answer, response)
            version = self._version_of(response)
            if version == UNKNOWN:
                logger.warning("the server encoded the body, which is written as it is")
            self._partial.begin(version)
            return self._append(answer, response, response.raw.length_remaining)
        except OSError as error:
            # The client would take it for an error of the network.
            raise self._partial.unwritable(error) from None

    def _resume(self, start: int, answer: Answer, response: Response) -> Answer:
        """Write a body that is the rest of the same version."""
        content_range = response.headers.get("Content-Range", "")
        size = _size_of_rest(content_range, start)
        is_same = self._version_of(response) == self._partial.source
        if start == 0 or size is None or not is_same:
            self._partial.truncate(0)
            return self._broken("the server did not send the rest of the same file")
        logger.info("resuming after %s bytes", f"{start:,}")
        return self._append(answer, response, size)

    def _version_of(self, response: Response) -> Source:
        """Return the version of the file in a response. A body with an encoding has none."""
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            return UNKNOWN
        tag = response.headers.get("ETag", "")
        if not _STRONG_ETAG.fullmatch(tag):
            tag = ""
        return Source(self._link.identity, tag)

    def _append(self, answer: Answer, response: Response, size: int | None) -> Answer:
        """Append a body until it ends, which is after ``size`` bytes of the file."""
        written = self._partial
        broken = False
        self._progress(written.length, size)
        try:
            for data in iter_body(response):
                written.append(data)
                self._progress(written.length, size)
        except HTTPError:
            broken = True
        if broken or size not in (None, written.length):
            return self._broken(f"the connection broke after {written.length:,} bytes")
        return answer

    def _broken(self, detail: str) -> Answer:
        """Return the answer in place of one whose body is not complete."""
        step = next_step.RUN_AGAIN()
        return Answer(self._place, UNREACHABLE, detail=detail, next_step=step)


def _size_of_rest(content_range: str, start: int) -> int | None:
    """Return the size of the complete file if the body is its rest from ``start``, else None."""
    pattern = rf"bytes {start}-([0-9]{{1,18}})/([0-9]{{1,18}})"
    match = re.fullmatch(pattern, content_range, re.IGNORECASE)
    if match is None:
        return None
    last, size = int(match[1]), int(match[2])
    if start <= last == size - 1:
        return size
    return None


def _retry_after(response: Response) -> float:
    """Return the seconds that the server wants to wait, or 0 if they are none or too many."""
    if response.status_code not in Retry.RETRY_AFTER_STATUS_CODES:
        return 0
    try:
        seconds = Retry().get_retry_after(response.raw) or 0
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return 0
    if seconds > MAX_WAIT_SECONDS:
        return 0
    return seconds
