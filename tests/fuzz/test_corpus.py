"""What was found by fuzzing stays mended, and a hundred random inputs find nothing else (``tox -e fuzz``: a million).

A file of ``corpus/TARGET`` is one input. What the fuzzer finds is put there, and its name says what it was.
"""

from __future__ import annotations

from pathlib import Path
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
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from types import ModuleType

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


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@settings(max_examples=100)
@given(data=st.data())
def test_of_random_words(target: ModuleType, data: st.DataObject) -> None:
    words = st.one_of(
        st.sampled_from(target.WORDS), st.sampled_from(target.WORDS), st.binary(max_size=6)
    )
    target.check(b"".join(data.draw(st.lists(words, max_size=30))))
