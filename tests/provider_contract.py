"""What every provider keeps to; the tests of each inherit it."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, ClassVar

import pytest
from leaks import SECRET, assert_no_secret

from authshim.credentials import Credential
from authshim.urls import HOST, KINDS, Key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authshim.providers.base import Provider


class ProviderContract:
    """Inherit it, name what is planted, and override the fixture ``provider``.

    Each planted secret contains ``s3cret``, so that the tests can look for it everywhere.
    """

    planted: ClassVar[Mapping[Key, Credential]]
    """The credentials that the provider holds, by the key that finds each."""

    missing: ClassVar[Key] = Key("nothing-is-here.example", HOST)
    """A key under which it holds nothing."""

    @pytest.fixture
    def provider(self) -> Provider:
        """Return the provider, which holds what is planted; nothing is asked of it yet."""
        raise NotImplementedError

    def _answers(self, provider: Provider) -> dict[Key, Credential | None]:
        return {key: provider.find(key) for key in self.planted}

    def test_planted_credentials_hold_the_secret(self) -> None:
        assert self.planted
        assert all(SECRET in str(credential.to_json()) for credential in self.planted.values())

    def test_miss_is_none(self, provider: Provider) -> None:
        assert provider.find(self.missing) is None

    def test_miss_is_none_for_a_known_user_too(self, provider: Provider) -> None:
        assert provider.find(self.missing, "ada") is None

    def test_known_key_is_answered_with_its_credential(self, provider: Provider) -> None:
        assert self._answers(provider) == self.planted

    def test_two_calls_are_answered_the_same(self, provider: Provider) -> None:
        assert self._answers(provider) == self._answers(provider)

    def test_unknown_user_changes_no_miss_into_an_error(self, provider: Provider) -> None:
        for key in self.planted:
            assert isinstance(provider.find(key, "nobody-of-that-name"), (Credential, type(None)))

    def test_after_a_refresh_it_answers_the_same(self, provider: Provider) -> None:
        self._answers(provider)
        provider.refresh()
        assert self._answers(provider) == self.planted

    def test_provider_has_a_name(self, provider: Provider) -> None:
        assert isinstance(provider.name, str)
        assert provider.name.strip()

    def test_provider_answers_kinds_of_key_that_exist(self, provider: Provider) -> None:
        assert set(provider.answers)
        assert set(provider.answers) <= set(KINDS)

    def test_planted_keys_are_of_the_kinds_of_the_provider(self, provider: Provider) -> None:
        assert {key.kind for key in self.planted} <= set(provider.answers)

    def test_path_keys_are_text_with_a_path(self, provider: Provider) -> None:
        assert all(isinstance(key, str) and "/" in key for key in provider.path_keys())

    def test_its_version_stays_while_nothing_changes(self, provider: Provider) -> None:
        before = provider.version()
        self._answers(provider)
        assert provider.version() == before

    def test_planted_entries_have_no_problems(self, provider: Provider) -> None:
        self._answers(provider)
        assert list(provider.problems) == []

    def test_provider_shows_no_secret(self, provider: Provider) -> None:
        self._answers(provider)
        assert_no_secret(
            provider, repr(provider), str(provider), provider.name, list(provider.problems)
        )
        assert_no_secret(
            repr(getattr(provider, "__dict__", {})), [str(key) for key in provider.path_keys()]
        )

    def test_its_pickle_holds_no_secret(self, provider: Provider) -> None:
        self._answers(provider)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert_no_secret(pickle.dumps(provider, protocol))

    def test_pickled_provider_gives_the_same_answer(self, provider: Provider) -> None:
        self._answers(provider)
        assert self._answers(pickle.loads(pickle.dumps(provider))) == self.planted

    def test_copy_answers_the_same(self, provider: Provider) -> None:
        self._answers(provider)
        assert self._answers(copy.copy(provider)) == self.planted


def assert_sentences(problems: object) -> None:
    """Fail where a problem is not one line for people, or tells a secret."""
    assert isinstance(problems, (list, tuple))
    assert len(set(problems)) == len(problems)
    for problem in problems:
        assert isinstance(problem, str)
        assert problem.strip() == problem != ""
        assert not problem.endswith(".")
        assert problem.isprintable()
    assert_no_secret(list(problems))
