"""What the chain answers: a Found for programs, a Trace for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.credentials import S3Credentials
from authshim.oauth.renewal import recheck_at
from authshim.urls import GIVEN

if TYPE_CHECKING:
    from authshim.credentials import Credential
    from authshim.urls import Key


class Found:
    """A credential, the provider that had it, and the key it was found under."""

    __slots__ = ("accepted", "challenged", "credential", "entry", "expires_at", "key", "provider")

    def __init__(
        self,
        credential: Credential,
        provider: str,
        key: Key,
        *,
        challenged: bool = False,
        entry: Any = None,
        now: float = 0.0,
    ) -> None:
        self.credential = credential
        self.provider = provider
        self.key = key
        self.challenged = challenged
        """Whether it is an answer to a refusal: not sent before the server asked."""
        self.accepted = False
        """Whether a server took it."""
        self.expires_at: float | None = recheck_at(credential, now)
        """When it is to be looked up again, in Unix seconds: an OAuth login some time before its end."""
        self.entry = entry
        """The chain's memory of it."""

    @property
    def is_lone_token(self) -> bool:
        """Whether it is a token that stands alone before the ``@`` of a URL, and is sent only after a refusal."""
        return self.challenged and self.key.kind == GIVEN

    def __repr__(self) -> str:
        return f"Found({self.credential!r}, provider={self.provider!r}, key={str(self.key)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Found) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[Credential, str, str]:
        return self.credential, self.provider, self.key

    def __reduce__(self) -> Any:
        raise TypeError("a Found holds a secret and is not pickled")


class Step(NamedTuple):
    """One question to one provider, and what it said."""

    provider: str
    key: Key
    said: str
    credential: Credential | None = None
    """The answer, where it can be used here."""
    broken: bool = False


class Trace(NamedTuple):
    """What each provider said of one URL, in the order in which they are asked."""

    url: str
    """Redacted."""
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    """What decided besides the providers: what covers the URL, who the user is."""
    found: Found | None
    why: str = ""
    """Why nothing is sent."""
    withheld: str = ""
    """Why nothing is sent, whatever the providers have."""

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """What ``str`` puts together."""
        lines = [self.url, *(f"  {note}" for note in self.notes)]
        if self.steps:
            rows = [(step.provider, str(step.key), step.said) for step in self.steps]
            wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
            lines += [
                "",
                *(f"  {name:{wide[0]}}  {key:{wide[1]}}  {said}" for name, key, said in rows),
                "",
            ]
        return [*lines, self.outcome]

    @property
    def outcome(self) -> str:
        """The last line: what is sent."""
        if self.withheld:
            return self.withheld
        if self.found is None:
            return f"no credential: {self.why}" if self.why else "no credential"
        what = f"{self.found.credential!r} from {self.found.provider}"
        if isinstance(self.found.credential, S3Credentials):
            return f"nothing is sent: {what}, which is for s3:// URLs only"
        if self.found.challenged:
            return f"sent after a refusal: {what}"
        return f"sent: {what}"
