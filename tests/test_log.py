from __future__ import annotations

from chain_fakes import in_threads

from authshim.log import MAX_SENTENCES, Once


def test_message_is_new_once() -> None:
    once = Once()
    assert [once.is_new(word) for word in ("a", "b", "a", "b")] == [True, True, False, False]


def test_message_is_new_for_one_of_many_threads() -> None:
    once = Once()
    assert sorted(in_threads(16, lambda: once.is_new("a"))) == [False] * 15 + [True]


def test_memory_of_messages_is_bounded() -> None:
    once = Once()
    for number in range(3 * MAX_SENTENCES):
        assert once.is_new(str(number))
    assert len(once._seen) <= MAX_SENTENCES
    assert not once.is_new(str(3 * MAX_SENTENCES - 1))
