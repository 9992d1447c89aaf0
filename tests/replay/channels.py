"""A made-up conda channel: each subdir's ``repodata.json``, its packed form, and packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.recording import content

if TYPE_CHECKING:
    from replay.recording import Answering, Asked
    from servers import Answer

PACKAGES = tuple(
    f"part-{number}-1.0-0{'.conda' if number % 4 else '.tar.bz2'}" for number in range(20)
)


def served(*, packages: Answering = content, repodata: Answering = content) -> Answering:
    """Answer the route's ``{file}``, packages in one way and all that tells of them in another."""

    def answer(asked: Asked) -> Answer:
        told = packages if asked.names["file"].endswith((".conda", ".tar.bz2")) else repodata
        return told(asked) if callable(told) else told

    return answer
