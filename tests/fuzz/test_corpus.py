"""Faults found by fuzzing stay mended, and a hundred random inputs find no other.

``tox -e fuzz`` tries a million. A file of ``corpus/TARGET`` is one input. An input that the fuzzer
finds is put there, under a name that says what it was.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from fuzz import (
    auth_file,
    conda_tokens,
    configured,
    keyring,
    manifest,
    micromamba,
    netrc,
    projects,
    urls,
    uv_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unmeasured

TARGETS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(auth_file, conda_tokens, configured, keyring, manifest),
        *(micromamba, netrc, projects, urls, uv_store),
    )
}
CORPUS = Path(__file__).parent / "corpus"
FOUND = sorted(CORPUS.glob("*/*"))


def test_every_target_has_a_corpus() -> None:
    assert {path.parent.name for path in FOUND} == set(TARGETS)


@pytest.mark.parametrize("path", FOUND, ids=[f"{path.parent.name}-{path.name}" for path in FOUND])
def test_of_the_corpus(path: Path) -> None:
    TARGETS[path.parent.name].check(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_of_random_words(target: str) -> None:
    random = Random(target)
    for _ in range(100):
        data = b"".join(random_words(TARGETS[target].WORDS, random))
        TARGETS[target].check(data)


def random_words(words: list[bytes], random: Random) -> Iterator[bytes]:
    """Yield at most thirty words of a target, with some bytes that mean nothing between them."""
    for _ in range(random.randrange(31)):
        is_word = random.random() < 2 / 3
        yield random.choice(words) if is_word else random.randbytes(random.randrange(7))
