"""The order in which the providers are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from authshim.urls import Key

    class Answering(Protocol):
        """A provider that lists the kinds of key that it answers."""

        @property
        def answers(self) -> Collection[str]:
            """Return the kinds of key."""


ProviderT = TypeVar("ProviderT", bound="Answering")


def questions(
    keys: Iterable[Key],
    providers: Sequence[ProviderT],
) -> Iterator[tuple[Key, ProviderT]]:
    """Yield each key with each provider that answers its kind: key before provider, as in rattler.

    The next key is taken only after all providers of the one before.
    """
    for key in keys:
        for provider in providers:
            if key.kind in provider.answers:
                yield key, provider
