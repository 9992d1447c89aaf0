"""The order of the questions: each key goes to all providers before the next key."""

from __future__ import annotations

from chain_fakes import Keeper, bearer, sent

from authshim import Chain
from authshim.lookup.order import questions
from authshim.urls import HOST, PORT, Key

KEYS = [Key("h:443", PORT), Key("h", HOST)]


def test_questions_put_the_key_before_the_provider() -> None:
    first, second = Keeper(name="first"), Keeper(name="second")
    asked = [(str(key), provider.name) for key, provider in questions(KEYS, [first, second])]
    assert asked == [("h:443", "first"), ("h:443", "second"), ("h", "first"), ("h", "second")]


def test_questions_leave_out_providers_of_other_kinds() -> None:
    hosts = Keeper(name="hosts", answers=[HOST])
    assert [str(key) for key, _ in questions(KEYS, [hosts])] == ["h"]


def test_chain_and_generator_agree_on_the_first_answer() -> None:
    far = Keeper({"h:443": bearer("near key")}, name="far")
    near = Keeper({"h": bearer("near provider")}, name="near")
    answers = (provider.find(key) for key, provider in questions(KEYS, [near, far]))
    assert sent(Chain([near, far]).find("https://h/")) == next(filter(None, answers))
