"""The verdict on the answer to one request.

Services use 403 and 404 both for a wrong password and for a missing permission. Then the answers
to a login that nobody has, and to an anonymous client, are compared.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from authshim import next_step, vendors
from authshim.credentials import BasicHTTP, BearerToken, CondaToken
from authshim.index import answer as answers
from authshim.index.answer import join_reasons
from authshim.index.verdict import (
    FORBIDDEN,
    LET_IN,
    NO_CREDENTIAL,
    NOT_FOUND,
    NOT_PROBED,
    OF_BUCKET,
    OF_INDEX,
    OPEN,
    REJECTED,
    Result,
)
from authshim.project.repositories import Repository
from authshim.urls.paths import cut_after_simple
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from authshim.credentials import Credential
    from authshim.index.answer import Answer
    from authshim.index.client import IndexClient
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep

NOBODYS_NAME = "authshim-probe-of-a-name-that-nobody-has"
"""The name asked for if the project names none; an index that lets its user in says 404."""


class Judge:
    """A judge of the answers of one place."""

    def __init__(
        self,
        client: IndexClient,
        place: Repository,
        kind: str,
    ) -> None:
        self._client = client
        self._place = place
        self._kind = kind

    def judge(self, answer: Answer) -> Result:
        """Return the verdict on the answer to one request."""
        if is_s3(answer.url):
            return self._of_bucket(answer)
        if answer.answer == answers.FOUND:
            word = entered(answer)
            return self.result(word, answer)
        if answer.answer == answers.REFUSED:
            return self._refused(answer)
        if answer.answer == answers.NOT_THERE:
            return self._missing(answer)
        word = OF_INDEX[answer.answer]
        return self.result(word, answer, step=answer.next_step)

    def result(
        self,
        word: str,
        answer: Answer,
        detail: str = "",
        step: NextStep = next_step.NOTHING,
    ) -> Result:
        """Return a verdict with the facts of its answer."""
        reasons = join_reasons(answer.detail, detail, answer.mirror_note)
        return Result(
            kind=self._kind,
            url=self._place.shown,
            answer=word,
            status=answer.status,
            found=answer.found,
            detail=reasons,
            next_step=step,
            seconds=answer.seconds,
            mirror=answer.mirror,
        )

    def _of_bucket(self, answer: Answer) -> Result:
        """Return the verdict on the answer of a bucket, whose error code tells the reason."""
        word = OF_BUCKET[answer.answer]
        if answer.answer == answers.REFUSED and answer.found is None:
            word = NO_CREDENTIAL
        result = self.result(word, answer, step=answer.next_step)
        is_unknown = word == NOT_PROBED
        return result._replace(is_unknown=is_unknown)

    def _refused(self, answer: Answer) -> Result:
        found = answer.found
        if found is None:
            return self.result(NO_CREDENTIAL, answer, step=answer.next_step)
        if answer.status != 403:
            return self.result(REJECTED, answer, step=answer.next_step)
        if self._same_for_a_fake_login(answer, found):
            return self._wrong_login(answer, found)
        step = vendors.ask_owner(answer.place.url)
        detail = "this user may not read it"
        return self.result(FORBIDDEN, answer, detail, step)

    def _missing(self, answer: Answer) -> Result:
        found = answer.found
        if answer.next_step:
            return self.result(NOT_FOUND, answer, step=answer.next_step)
        if found is None:
            login = self._client.log_in(answer.place)
            step = next_step.CORRECT_URL_OR_LOG_IN(step=login)
            detail = self._missing_simple()
            return self.result(NOT_FOUND, answer, detail, step)
        if self._same_for_a_fake_login(answer, found):
            return self._wrong_login(answer, found)
        detail, step = vendors.missing(answer.place.url)
        if not detail:
            detail = self._missing_simple()
        return self.result(NOT_FOUND, answer, detail, step)

    def _same_for_a_fake_login(self, answer: Answer, found: Found) -> bool:
        """Tell if a login that nobody has gets the same answer, and no login another one."""
        fake = _fake_of(found.credential)
        place = Repository(answer.place.url)
        url = fake.wire_url(answer.url)
        with closing(self._client.anonymous()) as anonymous:
            faked = anonymous.probe(place, url, header=fake.header)
            if faked.status != answer.status:
                return False
            without_login = anonymous.probe(place, answer.url)
        return without_login.status != answer.status

    def _wrong_login(self, answer: Answer, found: Found) -> Result:
        same = f"one that nobody has is answered {answer.status} as well"
        detail = f"the login is wrong, as it seems: {same}"
        step = self._client.log_in_again(answer.place, found)
        return self.result(REJECTED, answer, detail, step)

    def _missing_simple(self) -> str:
        """Return a hint if the URL of an index has no ``/simple``, or an empty string."""
        if self._kind != "index":
            return ""
        if cut_after_simple(self._place.url):
            return ""
        return "the URL of an index mostly ends with /simple"


def entered(answer: Answer) -> str:
    """Return the word for an answer that its user may read."""
    if answer.found is None:
        return OPEN
    return LET_IN


def _fake_of(credential: Credential) -> Credential:
    """Return a login of the same kind that nobody has, so that nobody's account is locked by it."""
    if isinstance(credential, BasicHTTP):
        return BasicHTTP(NOBODYS_NAME, NOBODYS_NAME)
    if isinstance(credential, CondaToken):
        return CondaToken(NOBODYS_NAME)
    return BearerToken(NOBODYS_NAME)
