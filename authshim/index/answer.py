"""The outcome of one request to an index or channel, and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from authshim import next_step
from authshim.urls import parse
from authshim.urls.presigned import is_presigned

if TYPE_CHECKING:
    from requests import Response

    from authshim.index.simple_api import File
    from authshim.lookup.naming import Trail
    from authshim.lookup.trace import Found
    from authshim.next_step import NextStep
    from authshim.project.repositories import Repository

FOUND = "found"
NOT_THERE = "not there"
REFUSED = "refused"
UNREADABLE = "unreadable"
UNREACHABLE = "unreachable"
NOT_ASKED = "not asked"
FORBIDDEN = "forbidden"


class Answer(NamedTuple):
    """The outcome of one request, and the files of a page that was read."""

    place: Repository
    """The index or channel that was asked: a mirror, if there is one."""
    answer: str
    """One of the words above."""
    status: int | None = None
    """HTTP's status, or None if nothing was answered."""
    found: Found | None = None
    """The credential that was sent last."""
    host: str = ""
    """The host that answered, after redirects."""
    detail: str = ""
    """The reason, if the word does not tell all of it."""
    next_step: NextStep = next_step.NOTHING
    """The step that may change the answer, if one is known."""
    seconds: float = 0.0
    """On the wire, from the question to the head of the last answer."""
    origins: Trail = ()
    """The servers through which the answer came; the last one gave it."""
    api: str = ""
    """"JSON 1.1", "HTML 1.0" and so on, of a page that was read; "HTML" if it names no version."""
    files: tuple[File, ...] = ()
    mirror: str = ""
    """The URL that was asked in place of the declared one, redacted; empty without a mirror."""
    mirror_note: str = ""
    """The sentence that names the mirror and its file."""
    url: str = ""
    """The URL that was asked, before redirects."""

    @property
    def forwarded_to(self) -> str:
        """The host to which the index redirected the request, or an empty string."""
        first = self.host
        if self.origins:
            first = parse(self.origins[0]).host
        if first == self.host:
            return ""
        return self.host

    @property
    def has_answer(self) -> bool:
        """True if the server told whether the name is there."""
        return self.answer in (FOUND, NOT_THERE)


def join_reasons(*reasons: str, separator: str = "; ") -> str:
    """Return the reasons that are not empty as one text."""
    return separator.join(filter(None, reasons))


def with_status(
    status: int | None,
    *reasons: str,
    separator: str = "; ",
) -> str:
    """Join the reasons of an answer. Its status comes first, unless a reason has it already."""
    word = f"HTTP {status}"
    told = join_reasons(*reasons, separator=separator)
    if not status or word in told:
        return told
    return join_reasons(word, told, separator=separator)


def full_reason(
    found: Found | None,
    status: int | None,
    detail: str,
) -> str:
    """Join the credential that was sent, its provider, the status and the reason of an answer."""
    sent = ""
    if found is not None:
        sent = f"{found.credential!r} from {found.provider}"
    return join_reasons(sent, with_status(status, detail))


def classify(response: Response) -> tuple[str, str]:
    """Return the name of a response, and its reason.

    404 alone says that a name is not there. uv takes PyTorch's 403 for the same
    (``status_code_strategy.rs``).
    """
    status = response.status_code
    is_pytorch = f".{parse(response.url).host}".endswith(".pytorch.org")
    if _is_sign_in_page(response):
        return REFUSED, "it showed a page to sign in"
    if status == 404 or (status == 403 and is_pytorch):
        return NOT_THERE, ""
    if _refuses_signature(response):
        return UNREACHABLE, f"the server does not accept the signature in the URL (HTTP {status})"
    if status in (401, 403):
        return REFUSED, ""
    if status in (200, 206):
        return FOUND, ""
    return UNREACHABLE, f"the server answered HTTP {status}"


def step_after(response: Response) -> NextStep:
    """Return the step after a response that is "unreachable"."""
    status = response.status_code
    if _refuses_signature(response) and response.history:
        return next_step.GET_URL_SIGNED_AGAIN()
    if _refuses_signature(response):
        return next_step.GET_SIGNED_URL()
    if status == 429 or status >= 500:
        return next_step.TRY_LATER()
    return next_step.CORRECT_URL()


def _refuses_signature(response: Response) -> bool:
    """Return True if the signature in a URL has expired or is wrong. A login cannot mend it."""
    if response.status_code not in (400, 401, 403):
        return False
    return is_presigned(response.url)


def _is_sign_in_page(response: Response) -> bool:
    """Return True of a page for people: Azure says 203, others redirect to another page."""
    if response.status_code == 203:
        return True
    if response.status_code != 200 or not response.history:
        return False
    asked = _segments(response.history[0].url)
    shown = _segments(response.url)
    if asked[-1] == shown[-1]:
        return False
    if "simple" in shown or "+simple" in shown:
        return False
    kind = response.headers.get("Content-Type", "")
    return "text/html" in kind.lower()


def _segments(url: str) -> list[str]:
    path = urlsplit(url).path.removesuffix("index.html")
    return path.rstrip("/").split("/")
