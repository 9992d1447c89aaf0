"""What every store keeps to; the tests of each inherit it."""

from __future__ import annotations

import pickle

import pytest
from leaks import assert_no_secret

from authshim.credentials import (
    BasicHTTP,
    BearerToken,
    CondaToken,
    Credential,
    OAuth,
    S3Credentials,
)
from authshim.providers.base import Provider, Store

EVERY_KIND = (
    BearerToken("s3cret-1"),
    BasicHTTP("ada", "s3crét-2"),
    CondaToken("s3cret-3"),
    S3Credentials("key", "s3cret-4"),
    OAuth("s3cret-5", "s3cret-6", 4102444800, "https://h.example/token", None, "client"),
)


class StoreContract:
    """Inherit it, and override the fixture ``store``."""

    @pytest.fixture
    def store(self) -> Store:
        """Return the store, which is empty."""
        raise NotImplementedError

    def test_store_is_a_store_and_a_provider(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert Provider in type(store).__mro__

    @pytest.mark.parametrize("credential", EVERY_KIND, ids=lambda kept: type(kept).__name__)
    def test_saved_credential_is_found(self, credential: Credential, store: Store) -> None:
        store.save("h.example", credential)
        assert store.find("h.example") == credential
        assert store.find("other.example") is None

    def test_another_finds_it_too(self, store: Store) -> None:
        store.save("*.h.example", EVERY_KIND[0])
        assert pickle.loads(pickle.dumps(store)).find("*.h.example") == EVERY_KIND[0]

    def test_saving_again_replaces(self, store: Store) -> None:
        for credential in EVERY_KIND:
            store.save("h.example", credential)
        assert store.find("h.example") == EVERY_KIND[-1]
        assert list(store.list()) == ["h.example"]

    def test_forgotten_credential_is_gone_and_the_others_stay(self, store: Store) -> None:
        store.save("h.example", EVERY_KIND[0])
        store.save("*.h.example", EVERY_KIND[1])
        assert store.forget("h.example") is True
        assert store.find("h.example") is None
        assert store.find("*.h.example") == EVERY_KIND[1]
        assert store.forget("h.example") is False

    def test_forget_returns_false_for_an_unknown_key(self, store: Store) -> None:
        assert store.forget("h.example") is False

    def test_empty_store_lists_nothing(self, store: Store) -> None:
        assert dict(store.list()) == {}

    def test_store_lists_its_keys_with_their_credentials(self, store: Store) -> None:
        kept = dict(zip(["h.example", "*.wild.example", "third.example"], EVERY_KIND))
        for key, credential in kept.items():
            store.save(key, credential)
        listed = store.list()
        assert sorted(listed) == sorted(kept)
        assert all(listed[key] in (None, kept[key]) for key in kept)

    def test_listed_keys_can_be_forgotten(self, store: Store) -> None:
        for key in ("h.example", "*.wild.example"):
            store.save(key, EVERY_KIND[0])
        named = list(store.keys())
        assert sorted(named) == ["*.wild.example", "h.example"]
        assert [store.forget(key) for key in named] == [True, True]
        assert list(store.keys()) == []

    def test_store_shows_no_secret(self, store: Store) -> None:
        store.save("h.example", EVERY_KIND[1])
        assert_no_secret(store, store.list(), list(store.problems), repr(vars(store)))
