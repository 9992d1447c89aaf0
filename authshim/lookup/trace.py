"""The answers of the chain: a Found for programs, a Trace for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from authshim.credentials import S3Credentials
from authshim.urls import IDENTITY
from authshim.urls.url import is_s3

if TYPE_CHECKING:
    from authshim.credentials import Credential
    from authshim.urls import Key


class ProviderName(str):
    """The name of a provider in messages, with its kind and its file."""

    __slots__ = ("kind", "path")
    kind: str
    path: str

    def __new__(  # noqa: PYI034 - Self needs Python 3.11
        cls,
        name: str,
        kind: str = "",
        path: str = "",
    ) -> ProviderName:
        """Make a name.

        :param kind: one of the kinds in ``providers.base``, or an empty string.
        :param path: the file of the provider, or an empty string.
        """
        made = super().__new__(cls, name)
        made.kind = kind
        made.path = path
        return made


class Found(NamedTuple):
    """A credential, the provider that returned it, and the key that it is stored under."""

    credential: Credential
    provider: str
    """The name of the provider in messages."""
    key: Key

    @property
    def kind(self) -> str:
        """The kind of the provider (see ``providers.base``), or an empty string."""
        return getattr(self.provider, "kind", "")

    @property
    def path(self) -> str:
        """The file of the provider, or an empty string."""
        return getattr(self.provider, "path", "")

    def __repr__(self) -> str:
        return f"Found({self.credential!r}, provider={self.provider!r}, key={str(self.key)!r})"

    def __reduce__(self) -> Any:
        raise TypeError("credentials are not pickled; call chain.find in the worker")


class Step(NamedTuple):
    """A question to one provider, and its answer."""

    provider: str
    key: Key
    said: str
    credential: Credential | None = None
    """The credential of the answer, if it can be used for this URL."""
    broken: bool = False
    """True if the provider raised an error."""
    obstacle: str = ""
    """A sentence about a failure that the user can mend."""
    source: str = ""
    """The file or line of the credential, if the name of the provider tells none."""


class Trace(NamedTuple):
    """The answers of the providers for one URL, in the order in which they are asked."""

    url: str
    """Redacted."""
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    """The facts that decide besides the answers: the index that covers the URL, the user."""
    found: Found | None
    why: str = ""
    """The reason why nothing is sent."""
    withheld: str = ""
    """The reason why nothing may be sent, even if a provider has a credential."""
    challenged: bool = False
    """True if ``found`` is sent after a refusal only."""
    next_step: str = ""
    """The step that gives keys to a bucket."""

    def __str__(self) -> str:
        return "\n".join(self.lines)

    @property
    def asks_later(self) -> str:
        """Return what would be asked of a CI after a challenge, or an empty string."""
        for step in self.steps:
            if step.key.kind == IDENTITY and step.said.startswith("would ask"):
                return f"{step.provider} {step.said}"
        return ""

    @property
    def lines(self) -> list[str]:
        """The lines of ``str(trace)``."""
        lines = [self.url]
        lines += [f"  {note}" for note in self.notes]
        if self.steps:
            names = max(len(step.provider) for step in self.steps)
            keys = max(len(step.key) for step in self.steps)
            lines.append("")
            for step in self.steps:
                name = step.provider.ljust(names)
                key = str(step.key).ljust(keys)
                lines.append(f"  {name}  {key}  {step.said}")
            lines.append("")
        return [*lines, self.outcome]

    @property
    def outcome(self) -> str:
        """The last line: the credential that is sent, or the reason why there is none."""
        if self.withheld:
            return self.withheld
        if self.found is None:
            why = self.asks_later or self.why
            if not why:
                return "no credential"
            return f"no credential: {why}"
        credential = f"{self.found.credential!r} from {self.found.provider}"
        if is_s3(self.url):
            return f"would sign the request: {credential}"
        if isinstance(self.found.credential, S3Credentials):
            return f"nothing is sent: {credential}, which is for s3:// URLs only"
        if self.challenged:
            return f"would be sent after a refusal: {credential}"
        return f"would be sent: {credential}"
