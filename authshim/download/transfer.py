"""Download one file with the user's credentials.

1. The target is complete and has the expected hash, or it is unchanged.
2. Two versions are never mixed. A broken download is resumed only if both responses have the same
   strong ETag, or if a hash decides at the end. A body with a Content-Encoding is never resumed.
"""

from __future__ import annotations

import re
import time
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Callable

from urllib3.exceptions import IncompleteRead, InvalidHeader
from urllib3.util.retry import Retry

from authshim import files, next_step
from authshim.download.partial_file import PartialFile
from authshim.errors import DownloadError
from authshim.index.answer import FOUND, UNREACHABLE, Answer, full_reason
from authshim.index.client import IndexClient
from authshim.index.judge import Judge
from authshim.index.question import Question
from authshim.log import logger
from authshim.project.repositories import Repository
from authshim.secret import clears_frames
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

_ENCODED = "encoded"
"""In place of the ETag of a body with a ``Content-Encoding``."""


@clears_frames
def get(
    chain: Chain,
    link: Link,
    target: str,
    *,
    progress: Progress = lambda _length, _size: None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Download a file to ``target``, and return its size.

    :param progress: called with the bytes received so far and the size, if known.
    :raises DownloadError: the target is unchanged. The error names the next step.
    """
    client = IndexClient(chain)
    written = PartialFile(target)
    transfer = _Transfer(client, link, written, progress)
    try:
        with closing(client), written.opened():
            transfer.run(sleep)
    except files.Unwritable as error:
        reason = str(error)
        step = next_step.NAME_OTHER_FILE()
        raise DownloadError(link.shown, reason, step) from None
    return written.length


class _Transfer:
    """The requests for one file."""

    def __init__(
        self,
        client: IndexClient,
        link: Link,
        written: PartialFile,
        progress: Progress,
    ) -> None:
        self._client = client
        self._link = link
        self._place = Repository(link.url)
        self._written = written
        self._progress = progress
        self._tag: str | None = None
        """The ETag of the bytes that were written, or None before the first response."""
        self._wait = 0.0
        """Seconds for which the last response asked."""

    def run(self, sleep: Callable[[float], None]) -> None:
        """Complete and check the file, and rename it to the target.

        :raises DownloadError: the server does not send it, or its hash differs.
        """
        link = self._link
        answer = self._complete(sleep)
        if answer.answer != FOUND:
            judge = Judge(self._client, self._place, "file")
            verdict = judge.judge(answer)
            detail = full_reason(verdict.found, verdict.status, verdict.detail)
            reason = f"{verdict.answer} ({detail})"
            raise DownloadError(link.shown, reason, verdict.next_step)
        if not link.matches(self._written.path):
            reason = f"its {link.algorithm} does not match the URL"
            step = next_step.RUN_AGAIN_OR_GET_URL()
            raise DownloadError(link.shown, reason, step)
        self._written.finish()

    def _complete(self, sleep: Callable[[float], None]) -> Answer:
        """Send requests until the file is complete, or until no retry can help."""
        retry = Retry(total=MAX_RETRIES, backoff_factor=1)
        answer = self._request()
        while retry.total and self._may_change(answer):
            retry = retry.increment("GET")
            wait = self._wait or retry.get_backoff_time()
            logger.warning("%s; retrying in %.0f s", answer.detail, wait)
            sleep(wait)
            answer = self._request()
        return answer

    def _may_change(self, answer: Answer) -> bool:
        if answer.answer != UNREACHABLE:
            return False
        has_begun = self._tag is not None
        return has_begun or self._wait > 0

    def _request(self) -> Answer:
        """Request the missing bytes once, and write them."""
        self._wait = 0.0
        start = 0
        if self._tag or self._link.digest:
            start = self._written.length
        if self._tag == _ENCODED:
            start = 0
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        if start and self._tag:
            headers["If-Range"] = self._tag
        question = Question(
            self._place,
            self._link.url,
            headers=headers,
            read=partial(self._receive, start),
        )
        return self._client.ask(question)

    def _receive(self, start: int, answer: Answer, response: Response) -> Answer:
        """Write the body of a response that is the file, or its rest from ``start``.

        :raises HTTPError: the body breaks off. The client makes an answer of it.
        """
        self._wait = _retry_after(response)
        try:
            if start and response.status_code == 416:
                self._written.clear()
            if response.status_code == 206:
                return self._resume(start, answer, response)
            if answer.answer == FOUND:
                self._begin(response)
        except OSError as error:
            # The client would take it for an error of the network.
            raise self._written.unwritable(error) from None
        return answer

    def _begin(self, response: Response) -> None:
        """Write a body that is the complete file."""
        self._tag = _tag_of(response)
        if self._tag == _ENCODED:
            logger.warning("the server encoded the body, which is written as it is")
        self._written.clear()
        self._append(response, response.raw.length_remaining)

    def _resume(self, start: int, answer: Answer, response: Response) -> Answer:
        """Write a body that is the rest of the same version."""
        size = _size_of_rest(response, start)
        is_same = _tag_of(response) == self._tag
        if start and size and is_same:
            logger.info("resuming after %s bytes", f"{start:,}")
            self._append(response, size)
            return answer
        self._written.clear()
        detail = "the server did not send the rest of the same file"
        step = next_step.RUN_AGAIN()
        return answer._replace(answer=UNREACHABLE, detail=detail, next_step=step)

    def _append(self, response: Response, size: int | None) -> None:
        """Append a body until it ends, which is after ``size`` bytes of the file."""
        written = self._written
        for data in iter_body(response):
            written.append(data)
            self._progress(written.length, size)
        if size is not None and size != written.length:
            raise IncompleteRead(written.length, size)


def _tag_of(response: Response) -> str:
    """Return the strong ETag of a response, or an empty string if it has none."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        return _ENCODED
    tag = response.headers.get("ETag", "")
    if not _STRONG_ETAG.fullmatch(tag):
        return ""
    return tag


def _size_of_rest(response: Response, start: int) -> int | None:
    """Return the size of the complete file if a body is its rest from ``start``, else None."""
    content_range = response.headers.get("Content-Range", "")
    pattern = rf"bytes {start}-[0-9]+/([0-9]{{1,18}})"
    match = re.fullmatch(pattern, content_range, re.IGNORECASE)
    if match is None:
        return None
    return int(match[1])


def _retry_after(response: Response) -> float:
    """Return the seconds that the server wants to wait, or 0 if they are none or too many."""
    seconds = None
    if response.status_code in Retry.RETRY_AFTER_STATUS_CODES:
        with suppress(InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
            seconds = Retry().get_retry_after(response.raw)
    if seconds is None or seconds > MAX_WAIT_SECONDS:
        return 0
    return seconds
