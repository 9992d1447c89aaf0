"""The cache of a chain: lifetimes, bounds, threads, forks and pickles."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from chain_fakes import (
    Broken,
    Clock,
    Keeper,
    Rotating,
    Waiting,
    accept,
    basic,
    bearer,
    begin,
    default,
    in_threads,
    keyring,
    refused,
    sent,
)

from authshim import BearerToken, Chain, Credential, Index
from authshim.lookup.cache import MAX_CACHED_ENTRIES, _cost
from authshim.lookup.entry import CacheEntry
from authshim.urls import HOST, SERVICE, parse

if TYPE_CHECKING:
    from authshim.lookup.cached_credential import CachedCredential

URL = "https://h/simple/demo/"


# hits and misses


def test_hit_is_cached() -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    found = begin(chain, URL)
    assert begin(chain, "https://h/other") is found
    assert keeper.asked == ["h:443", "h"]


def test_miss_is_cached() -> None:
    keeper = Keeper()
    chain = Chain([keeper])
    chain.find(URL)
    keeper.asked.clear()
    assert chain.find(URL) is None
    assert keeper.asked == []


def test_cached_answer_is_none_of_a_provider() -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    assert chain.look_up_cached(URL) == (False, None)
    assert keeper.asked == []
    found = begin(chain, URL)
    chain.find("https://miss/x")
    assert chain.look_up_cached(URL) == (True, found)
    assert chain.look_up_cached("https://miss/y") == (True, None)
    assert chain.look_up_cached(f"{URL}?X-Amz-Signature=0a1b") == (True, None)


def test_miss_ends_after_five_minutes() -> None:
    clock = Clock()
    keeper = Keeper()
    chain = Chain([keeper], clock=clock)
    chain.find(URL)
    keeper.held["h"] = bearer()
    clock.now += 299
    assert chain.find(URL) is None
    clock.now += 1
    assert sent(chain.find(URL)) == bearer()


def test_provider_without_a_file_is_refreshed_after_five_minutes() -> None:
    clock = Clock()
    keychain, file = Keeper(), Keeper()
    file.stamp = 1
    chain = Chain([keychain, file], clock=clock)
    chain.find(URL)
    clock.now += 300
    chain.find(URL)
    assert (keychain.refreshed, file.refreshed) == (1, 0)


def test_hit_stays_in_the_cache_for_more_than_five_minutes() -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper], clock=clock)
    found = begin(chain, URL)
    clock.now += 100_000
    assert begin(chain, URL) is found


def test_miss_ends_when_a_file_changes() -> None:
    clock = Clock()
    keeper = Keeper()
    chain = Chain([keeper], clock=clock)
    chain.find(URL)
    keeper.held["h"], keeper.stamp = bearer(), "another"
    clock.now += 1
    assert sent(chain.find(URL)) == bearer()
    assert keeper.refreshed == 1


def test_new_path_key_is_used_when_the_file_changes() -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer("all")})
    chain = Chain([keeper], clock=clock)
    chain.find(URL)
    keeper.held["h/simple"], keeper.stamp = bearer("simple"), "another"
    clock.now += 1
    chain.find("https://g/")
    assert sent(chain.find(URL)) == bearer("simple")


def test_files_are_checked_once_a_second() -> None:
    clock = Clock()
    looked = []

    class Watched(Keeper):
        def version(self) -> object:
            looked.append(clock.now)
            return 1

    chain = Chain([Watched()], clock=clock)
    for _ in range(40):
        chain.find(URL)
        clock.now += 0.25
    assert len(looked) <= 12


def test_change_during_a_look_up_is_noticed() -> None:
    clock = Clock()
    file = Keeper()
    slow = Waiting()
    chain = Chain([file, slow], clock=clock)
    thread = threading.Thread(target=chain.find, args=[URL])
    thread.start()
    assert slow.is_asked.wait(60)
    file.held["h"], file.stamp = bearer(), "another"
    clock.now += 1
    chain._lookup.notice_changes()
    slow.may_answer.set()
    thread.join(60)
    assert sent(chain.find(URL)) == bearer()


def test_forget_empties_the_cache() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    chain.find(URL)
    keeper.held["h"] = bearer("new")
    chain.forget()
    assert sent(chain.find(URL)) == bearer("new")
    assert keeper.refreshed == 1


def test_declared_index_needs_one_keyring_command() -> None:
    command = keyring({"https://h/a/simple": basic()})
    chain = Chain([command], indexes=[Index("https://ada@h/a/simple")])
    for number in range(50):
        chain.find(f"https://h/a/simple/{number}/")
        chain.find(f"https://ada@h/a/simple/{number}/")
        chain.find(f"https://h/packages/{number}.whl")
    assert command.asked == ["https://h/a/simple"]


def test_undeclared_index_needs_one_keyring_command() -> None:
    command = keyring({"https://h/a/simple": basic()})
    chain = Chain([command])
    for number in range(50):
        chain.find(f"https://ada@h/a/simple/{number}/")
    assert command.asked == ["https://h/a/simple"]


def test_each_of_several_indexes_needs_one_keyring_command() -> None:
    command = keyring({"https://h/a/simple": basic("a"), "https://h/b/simple": basic("b")})
    chain = Chain([command], indexes=[Index("https://u@h/a/simple"), Index("https://u@h/b/simple")])
    for number in range(10):
        assert sent(chain.find(f"https://h/a/simple/{number}/")) == basic("a")
        assert sent(chain.find(f"https://h/b/files/{number}.whl")) == basic("b")
    assert len(command.asked) == 2


# bounds


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a small limit for the cache."""
    assert MAX_CACHED_ENTRIES == 4096
    for module in ("guarded", "cache", "origin"):
        monkeypatch.setattr(f"authshim.lookup.{module}.MAX_CACHED_ENTRIES", 64)
    return 64


def test_cache_is_bounded(limit: int) -> None:
    chain = Chain([Keeper()])
    for number in range(limit + 10):
        chain.find(f"https://h{number}/")
    cache = chain._lookup.cache
    assert len(cache._origins) <= limit
    assert len(cache._entries) <= limit
    assert len(chain._lookup.providers[0]._answers) <= limit


def test_cache_of_urls_that_are_not_http_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authshim.lookup.cache.MAX_CACHED_ENTRIES", 10)
    chain = Chain([Keeper()])
    for number in range(25):
        assert chain.find(f"ftp://h{number}/") is None
    assert len(chain._lookup.cache._origins) <= 10


def test_cache_drops_misses_before_hits(limit: int) -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    chain.find(URL)
    for number in range(2 * limit):
        chain.find(f"https://h{number}/")
    keeper.asked.clear()
    assert sent(chain.find(URL)) == bearer()
    assert keeper.asked == []


def test_cache_drops_the_answers_of_a_keyring_last(limit: int) -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain(
        [Keeper({"*.example": bearer()}), command], indexes=[Index("https://ada@h/simple")]
    )
    chain.find(URL)
    for number in range(2 * limit):
        chain.find(f"https://h{number}.example/")
    assert sent(chain.find(URL)) == basic()
    assert len(command.asked) == 1


def test_dropped_entry_is_held_by_no_origin(limit: int) -> None:
    def entries() -> int:
        gc.collect()
        found = [thing for thing in gc.get_objects() if type(thing) is CacheEntry]
        return sum(entry.url.host.endswith(".forgotten.example") for entry in found)

    cache = Chain([keyring()])._lookup.cache
    for number in range(limit):
        for host in ("g", "h"):
            cache.candidates(f"https://ada@{host}.forgotten.example/{number}/simple/")
    assert limit // 2 < entries() <= limit


def test_candidate_sets_of_an_origin_are_bounded(limit: int) -> None:
    chain = Chain([keyring()])
    for number in range(limit + 10):
        chain.find(f"https://ada@h/{number}/simple/")
    (origin,) = chain._lookup.cache._origins.values()
    assert len(origin._sets) <= limit


# threads


def test_threads_wait_for_one_look_up() -> None:
    slow = Waiting({"h": bearer()}, answers=[HOST])
    chain = Chain([slow])
    threading.Timer(0.05, slow.may_answer.set).start()
    assert [sent(found) for found in in_threads(32, lambda: chain.find(URL))] == [bearer()] * 32
    assert slow.asked == ["h"]


def test_threads_wait_for_one_miss() -> None:
    slow = Waiting(answers=[HOST])
    chain = Chain([slow])
    threading.Timer(0.05, slow.may_answer.set).start()
    assert in_threads(32, lambda: chain.find(URL)) == [None] * 32
    assert slow.asked == ["h"]


def test_threads_for_one_index_wait_for_one_keyring_command() -> None:
    command = Waiting({"https://h/simple": basic()}, answers=["service"])
    chain = Chain([command], indexes=[Index("https://ada@h/simple")])
    threading.Timer(0.05, command.may_answer.set).start()
    numbers = iter(range(32))
    found = in_threads(32, lambda: chain.find(f"https://h/simple/{next(numbers)}/"))
    assert [sent(item) for item in found] == [basic()] * 32
    assert len(command.asked) == 1


def test_one_look_up_replaces_a_refused_token_for_many_threads() -> None:
    rotating = Rotating()
    chain = Chain([rotating])
    old = begin(chain, URL)
    answers = in_threads(32, lambda: refused(chain, URL, status=401, tried=[old]))
    assert [sent(found) for found in answers] == [bearer("s3cret-2")] * 32
    assert len(rotating.asked) == 2


def test_one_look_up_returns_the_refused_token_for_many_threads() -> None:
    keeper = Keeper({"h": bearer()}, answers=[HOST])
    chain = Chain([keeper])
    found = begin(chain, URL)
    assert in_threads(32, lambda: refused(chain, URL, status=401, tried=[found])) == [None] * 32
    assert len(keeper.asked) == 2


def test_thread_that_was_refused_twice_ends_despite_other_threads() -> None:
    rotating = Rotating()
    chain = Chain([rotating])
    first = begin(chain, URL)
    second = refused(chain, URL, status=401, tried=[first])
    refused(
        chain, URL, status=401, tried=[second]
    )  # another request; the cache has a third token by now
    assert refused(chain, URL, status=401, tried=[first, second]) is None


def test_one_look_up_answers_a_challenge_for_many_threads() -> None:
    command = Waiting({"https://h/simple": basic()}, answers=["service"])
    chain = Chain([command], indexes=[Index("https://h/simple")])
    threading.Timer(0.05, command.may_answer.set).start()
    answers = in_threads(32, lambda: refused(chain, URL, status=401, challenge="Basic"))
    assert [sent(found) for found in answers] == [basic()] * 32
    assert len(command.asked) == 1


def test_thread_that_lost_a_tie_tries_the_chosen_entry() -> None:
    indexes = [Index("https://ada@h/acme/a/simple"), Index("https://bob@h/acme/b/simple")]
    held = {"https://h/acme/a/simple": basic("ada"), "https://h/acme/b/simple": basic("bob")}
    chain = Chain([keyring(held)], indexes=indexes)
    url = "https://h/acme/files/x.whl"
    lost = begin(chain, url)
    won = refused(chain, url, status=401, tried=[lost])
    assert won is not None
    accept(chain, url, won)
    assert refused(chain, url, status=401, tried=[lost]) is won


def test_late_acceptance_restores_no_old_answer() -> None:
    netrc = default(basic("ada", "old"))
    chain = Chain([netrc])
    old = refused(chain, URL, status=401, challenge="Basic")
    netrc.held["default"] = basic("ada", "new")
    new = refused(chain, URL, status=401, tried=[old], challenge="Basic")
    assert old is not None
    assert new is not None
    accept(chain, URL, old)
    accept(chain, URL, new)
    assert begin(chain, URL) is new


def test_acceptance_that_waited_restores_no_replaced_answer() -> None:
    chain = Chain([default(basic())])
    pending = refused(chain, URL, status=401, challenge="Basic")
    assert pending is not None

    class Replacing:
        """A lock that another thread had until now, which has found the answer refused."""

        def __enter__(self) -> None:
            pending.entry.pending = None

        def __exit__(self, *_: object) -> None:
            pass

    pending.entry.lock = Replacing()
    accept(chain, URL, pending)
    assert chain.find(URL) is None


def test_change_while_path_keys_are_listed_is_noticed() -> None:
    class Changing(Keeper):
        def path_keys(self) -> list[str]:
            listed = super().path_keys()
            if not listed:
                self.held["h/simple"] = bearer("by-path")
                chain._lookup.cache.next_generation()
            return listed

    chain = Chain([Changing({"h": bearer("by-host")})])
    assert sent(chain.find(URL)) == bearer("by-host")
    assert sent(chain.find(URL)) == bearer("by-path")


def test_path_that_cannot_be_dialled_counts_as_the_root() -> None:
    chain = Chain([Keeper({"h/simple": bearer("by-path"), "h": bearer("by-host")})])
    assert sent(chain.find("https://h/simple/ ")) == bearer("by-host")


@pytest.mark.parametrize(
    "url", ["ftp://h/acme/files/x.whl", "https://h/other/x.whl", "https://h/acme/files/x.whl"]
)
def test_acceptance_for_another_url_changes_nothing(url: str) -> None:
    indexes = [Index(f"https://ada@h/{path}/simple") for path in ("acme/a", "acme/b", "beta")]
    held = {index.url: basic("ada", index.url) for index in indexes}
    chain = Chain([keyring(held)], indexes=indexes)
    before = begin(chain, "https://h/acme/files/x.whl")
    betas = begin(chain, "https://h/beta/x.whl")
    assert betas is not None
    accept(chain, url, betas)
    assert begin(chain, "https://h/acme/files/x.whl") is before


def test_slow_provider_delays_no_other_origin() -> None:
    slow = Waiting({"slow": bearer()}, answers=[HOST])

    class ForSlowOnly(Keeper):
        def find(self, key: str, username: str | None = None) -> Credential | None:
            return slow.find(key, username) if key == "slow" else None

    chain = Chain([Keeper({"h": bearer()}), ForSlowOnly(answers=[HOST])])
    thread = threading.Thread(target=chain.find, args=["https://slow/"])
    thread.start()
    assert slow.is_asked.wait(60)
    assert sent(chain.find("https://h/")) == bearer()
    slow.may_answer.set()
    thread.join(60)


def test_renewal_waits_for_no_provider_that_it_does_not_need() -> None:
    file, slow = (
        Keeper({"h": bearer("old")}),
        Waiting({"https://slow/simple": basic()}, answers=[SERVICE]),
    )
    chain = Chain([file, slow], indexes=[Index("https://ada@slow/simple")])
    old = begin(chain, URL)
    other = threading.Thread(target=chain.find, args=["https://slow/simple/x"])
    other.start()
    assert slow.is_asked.wait(60)
    file.held["h"] = bearer("new")
    renewed: list[object] = []
    mine = threading.Thread(
        target=lambda: renewed.append(refused(chain, URL, status=401, tried=[old]))
    )
    mine.start()
    mine.join(60)
    told_before, refreshed_before = [sent(found) for found in renewed], slow.refreshed
    slow.may_answer.set()
    other.join(60)
    mine.join(60)
    assert told_before == [bearer("new")]
    assert refreshed_before == 0
    chain.find("https://ada@other/simple/x")
    assert slow.refreshed == 1


def test_answer_given_during_a_refresh_is_not_cached() -> None:
    slow = Waiting({"h": bearer("old")}, answers=[HOST])
    chain = Chain([slow])
    asking = threading.Thread(target=chain.find, args=[URL])
    asking.start()
    assert slow.is_asked.wait(60)
    chain.forget()
    slow.may_answer.set()
    asking.join(60)
    slow.held["h"] = bearer("new")
    assert sent(chain.find(URL)) == bearer("new")


def test_entry_is_read_whole_if_another_thread_empties_it_meanwhile() -> None:
    answer = Chain([Keeper({"h": bearer()})]).look_up(URL)

    class Emptied(CacheEntry):
        """An entry that another thread empties as soon as it was read."""

        read = 0

        @property
        def found(self) -> CachedCredential | None:
            self.read += 1
            return answer if self.read == 1 else None

        @found.setter
        def found(self, _: CachedCredential | None) -> None:
            self.read = 0

    def entry() -> CacheEntry:
        return Emptied(parse(URL), None, (), None)

    assert entry().is_fresh
    assert _cost(entry()) == 1


def test_provider_is_asked_by_one_thread_at_a_time() -> None:
    class Alone(Keeper):
        inside = 0

        def find(self, key: str, username: str | None = None) -> Credential | None:
            self.inside += 1
            assert self.inside == 1
            time.sleep(0.001)
            self.inside -= 1
            return super().find(key, username)

    alone = Alone(answers=[HOST])
    chain = Chain([alone])
    numbers = iter(range(16))
    in_threads(16, lambda: chain.find(f"https://h{next(numbers)}/"))
    assert len(alone.asked) == 16


# providers that use the chain themselves


class Nesting(Keeper):
    """A provider that asks its own chain for the login of its server."""

    chain: Chain
    server = "https://vault/"

    def find(self, key: str, username: str | None = None) -> Credential | None:
        super().find(key, username)
        found = begin(self.chain, self.server)
        if found is not None:
            accept(self.chain, self.server, found)
            refused(self.chain, self.server, status=401, tried=[found])
        else:
            assert refused(self.chain, self.server, status=401, challenge="Basic") is None
        return BearerToken(f"{key}-by-{getattr(found and found.credential, 'token', None)}")


def test_provider_may_use_its_own_chain() -> None:
    nesting = Nesting(answers=[HOST])
    nesting.chain = Chain([nesting, Keeper({"vault": bearer("netrc")})])
    assert sent(nesting.chain.find("https://h/")) == bearer("h-by-netrc")


def test_provider_may_ask_its_own_chain_for_the_same_url() -> None:
    nesting = Nesting(answers=[HOST])
    nesting.chain = Chain([nesting])
    assert sent(nesting.chain.find("https://vault/")) == bearer("vault-by-None")


def test_answer_to_a_nested_question_is_not_cached() -> None:
    nesting = Nesting(answers=[HOST])
    nesting.chain = Chain([nesting])
    nesting.chain.find("https://h/")
    assert sent(nesting.chain.find("https://vault/")) == bearer("vault-by-None")


def test_provider_may_use_its_own_chain_to_list_path_keys() -> None:
    class Listing(Keeper):
        chain: Chain

        def path_keys(self) -> list[str]:
            self.chain.find("https://vault/")
            return []

    listing = Listing({"h": bearer()})
    listing.chain = Chain([Keeper()])
    chain = Chain([listing])
    assert sent(chain.find("https://h/")) == bearer()


def test_thread_inside_a_provider_causes_no_deadlock() -> None:
    entered, go_on = threading.Event(), threading.Event()

    class Vault(Nesting):
        def find(self, key: str, username: str | None = None) -> Credential | None:
            if key == "h":
                entered.set()
                assert go_on.wait(60)
            return super().find(key, username)

    vault = Vault(answers=[HOST])
    chain = vault.chain = Chain([Keeper(), vault])
    inner = threading.Thread(target=chain.find, args=["https://h/"], daemon=True)
    inner.start()
    assert entered.wait(60)
    # This thread holds the entry of https://vault/ and waits for the provider. The provider is
    # about to ask for that entry.
    outer = threading.Thread(target=chain.find, args=["https://vault/"], daemon=True)
    outer.start()
    time.sleep(0.05)
    go_on.set()
    inner.join(60)
    outer.join(60)
    assert not inner.is_alive()
    assert not outer.is_alive()


def test_two_providers_that_use_their_chain_cause_no_deadlock() -> None:
    first_is_in, both_are_in = threading.Event(), threading.Barrier(2)

    class Vault(Nesting):
        def find(self, key: str, username: str | None = None) -> Credential | None:
            if key == self.name:
                first_is_in.set()
                both_are_in.wait(60)
            return super().find(key, username) if key in (self.name, "vault") else None

    one, two = Vault(name="one", answers=[HOST]), Vault(name="two", answers=[HOST])
    chain = one.chain = two.chain = Chain([one, two])
    # Each provider is about to ask the chain for an entry that the other thread holds.
    threads = [
        threading.Thread(target=chain.find, args=[f"https://{name}/"], daemon=True)
        for name in ("two", "one")
    ]
    for thread in threads:
        thread.start()
        assert first_is_in.wait(60)
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_log_handler_may_use_the_chain() -> None:
    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("https://h:"):
                chain.find("https://h/")

    logger = logging.getLogger("authshim")
    handler, level = Sender(), logger.level
    chain = Chain([Broken(OSError()), Keeper({"h": bearer()})])
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        found = begin(chain, "https://h/")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert sent(found) == bearer()


# forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_during_a_look_up_leaves_the_child_unlocked() -> None:
    slow = Waiting({"h": bearer()}, answers=[HOST])
    chain = Chain([slow])
    thread = threading.Thread(target=chain.find, args=[URL])
    thread.start()
    assert slow.is_asked.wait(60)
    child = os.fork()
    if child == 0:
        slow.may_answer.set()
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(sent(chain.find(URL))), daemon=True)
        asking.start()
        asking.join(60)
        os._exit(0 if answers == [bearer()] else 1)
    slow.may_answer.set()
    thread.join(60)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no os.fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_keeps_the_cached_credentials() -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    chain.find(URL)
    keeper.held.clear()
    child = os.fork()
    if child == 0:
        os._exit(0 if sent(chain.find(URL)) == bearer() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_chain_works_on_systems_that_cannot_fork() -> None:
    code = (
        "import os\ndel os.fork, os.register_at_fork\n"
        "import authshim\nprint(authshim.Chain([]).find('https://h/'))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stdout, ended.stderr) == ("None\n", "")


def test_unused_chain_is_garbage_collected() -> None:
    import weakref

    chain = weakref.ref(Chain([Keeper()]))
    gc.collect()
    assert chain() is None


# pickles


class Store:
    """A provider that reads a file. Its class is the module's, so that it pickles."""

    name = "store"

    def find(self, key: str, username: str | None = None) -> Credential | None:
        return bearer() if key == "h" else None


def test_chain_pickles_as_its_arguments(no_secret: object) -> None:
    chain = Chain([Store()], indexes=[Index("https://ada:s3cret@g/simple")])
    chain.find(URL)
    chain.find("https://g/")
    pickled = pickle.dumps(chain)
    no_secret(pickled, chain)
    assert sent(pickle.loads(pickled).find(URL)) == bearer()


def test_unpickled_chain_has_an_empty_cache() -> None:
    chain = Chain([Store()])
    chain.find(URL)
    assert pickle.loads(pickle.dumps(chain))._lookup.cache._entries == {}


def test_found_is_not_pickled() -> None:
    found = Chain([Store()]).find(URL)
    with pytest.raises(TypeError):
        pickle.dumps(found)


def test_found_is_compared_by_value() -> None:
    first, second = Chain([Store()]).find(URL), Chain([Store()]).find(URL)
    assert first == second
    assert hash(first) == hash(second)
    assert repr(first) == "Found(BearerToken(token=****), provider='store', key='h')"


def test_provider_without_path_keys_delays_no_other_host() -> None:
    import threading

    release, started = threading.Event(), threading.Event()

    class Slow(Keeper):
        def find(self, key: str, username: str | None = None) -> Credential | None:
            started.set()
            release.wait(120)
            return None

    changing = Keeper({"other.example": bearer()})
    chain = Chain([changing, Slow(answers=[SERVICE])])
    asking = threading.Thread(
        target=chain.find, args=("https://ada@slow.example/simple/",), daemon=True
    )
    asking.start()
    assert started.wait(60)
    found: list[object] = []
    other = threading.Thread(
        target=lambda: found.append(chain.find("https://other.example/")), daemon=True
    )
    other.start()
    other.join(60)
    release.set()
    asking.join(60)
    assert found
