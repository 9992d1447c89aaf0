"""The verdict on one index or channel, and its words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from authshim import next_step
from authshim.index import answer as answers

if TYPE_CHECKING:
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep

OPEN = "open"
LET_IN = "let in"
NO_CREDENTIAL = "no credential"
REJECTED = "rejected"
FORBIDDEN = "forbidden"
NOT_FOUND = "not found"
UNREADABLE = "unreadable"
UNREACHABLE = "unreachable"
NOT_PROBED = "not probed"

OF_INDEX = {
    answers.UNREADABLE: UNREADABLE,
    answers.UNREACHABLE: UNREACHABLE,
    answers.NOT_ASKED: NOT_PROBED,
}
"""The verdicts on the answers of an index that do not depend on the credential."""

OF_BUCKET = {
    answers.FOUND: LET_IN,
    answers.NOT_THERE: NOT_FOUND,
    answers.REFUSED: REJECTED,
    answers.FORBIDDEN: FORBIDDEN,
    answers.UNREACHABLE: UNREACHABLE,
    answers.NOT_ASKED: NOT_PROBED,
}
"""The verdicts on the answers of a bucket."""


class Result(NamedTuple):
    """A verdict on one index or channel."""

    kind: str
    """"index", "flat index" or "channel"."""
    url: str
    """As declared, redacted."""
    answer: str
    """One of the words above."""
    status: int | None = None
    """HTTP's status, or None if nothing was answered."""
    found: Found | None = None
    """The credential that was sent."""
    detail: str = ""
    """The reason, if the word does not tell all of it."""
    next_step: NextStep = next_step.NOTHING
    """The step that may change the answer; empty if none is needed."""
    api: str = ""
    """"JSON 1.1", "HTML 1.0" and so on, of an index's page that was read."""
    seconds: float | None = None
    """On the wire, from the question to the head of the answer that decided."""
    tool_note: str = ""
    """A sentence about the project's tool, if it would act otherwise than authshim does."""
    declared_in: str = ""
    """``FILE:LINE`` or the variable that declares it, or "the default"."""
    mirror: str = ""
    """The URL that was probed in place of the declared one, redacted; empty without a mirror."""

    links_name_hosts: bool = False
    """True if the page of the index has the whole URLs of its files."""
    is_unknown: bool = False
    """True if the next step only lets authshim probe it."""

    @property
    def fine(self) -> bool:
        """True if its user can work with it, or if nothing is known against that."""
        if self.answer == NOT_PROBED:
            return self.is_unknown or not self.next_step
        return self.answer in (OPEN, LET_IN)
