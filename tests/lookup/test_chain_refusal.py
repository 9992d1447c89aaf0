"""The credential that is sent after a 401 or 403."""

from __future__ import annotations

import pytest
from chain_fakes import (
    Clock,
    Keeper,
    Rotating,
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
from hypothesis import given
from hypothesis import strategies as st

from authshim import BasicHTTP, Chain, Found, Index
from authshim.urls import SERVICE

URL = "https://h/simple/demo/"
BASIC = 'Basic realm="private"'


def request(
    chain: Chain, *good: object, url: str = URL, status: int = 401, challenge: str = BASIC
) -> list[object]:
    """Play a client and a server that accepts ``good``.

    Return the credentials that were sent. None stands for a request without one.
    """
    tried: list[Found] = []
    was_sent: list[object] = []
    found = begin(chain, url)
    for _ in range(20):
        was_sent.append(sent(found))
        if found is not None:
            tried.append(found)
            if found.credential in good:
                accept(chain, url, found)
                return was_sent
        found = refused(chain, url, status=status, tried=tried, challenge=challenge)
        if found is None:
            return was_sent
    raise AssertionError("retries without end")


# answers to a challenge


def test_netrc_default_is_not_sent_without_a_challenge() -> None:
    assert Chain([default(basic())]).find(URL) is None


def test_netrc_default_answers_a_basic_challenge() -> None:
    assert request(Chain([default(basic())]), basic()) == [None, basic()]


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Bearer realm=x",
        "Negotiate",
        'Digest realm="basics"',
        "NTLM",
        'Bearer realm="basic"',
        'Bearer a="x, Basic y"',
    ],
)
def test_netrc_default_answers_no_other_challenge(challenge: str) -> None:
    assert request(Chain([default(basic())]), challenge=challenge) == [None]


@pytest.mark.parametrize("challenge", ["basic", "Bearer realm=x, Basic realm=y", "BASIC"])
def test_netrc_default_answers_basic_among_other_challenges(challenge: str) -> None:
    assert request(Chain([default(basic())]), basic(), challenge=challenge) == [None, basic()]


def test_netrc_default_of_another_user_is_no_answer() -> None:
    assert request(Chain([default(basic("bob"))]), url="https://ada@h/") == [None]


def test_netrc_default_does_not_answer_a_403_of_an_undeclared_url() -> None:
    assert request(Chain([default(basic())]), status=403) == [None]


def test_keyring_is_asked_after_a_401_of_an_index_without_a_username() -> None:
    chain = Chain([keyring({"https://h/simple/": basic()})], indexes=[Index("https://h/simple/")])
    assert request(chain, basic(), challenge="Bearer") == [None, basic()]


def test_keyring_is_asked_after_a_403_of_a_declared_index() -> None:
    chain = Chain([keyring({"https://h/simple/": basic()})], indexes=[Index("https://h/simple/")])
    assert request(chain, basic(), status=403, challenge="") == [None, basic()]


def test_keyring_is_asked_in_the_same_order_after_a_401() -> None:
    command = keyring()
    request(Chain([command], indexes=[Index("https://h/simple")]))
    assert command.asked == ["https://h/simple", "https://h/simple/", "h", "https://h"]
    assert command.users == [None] * 4


def test_netrc_default_comes_before_the_keyring() -> None:
    chain = Chain(
        [keyring({"h": basic("keyring")}), default(basic())], indexes=[Index("https://h/simple")]
    )
    assert request(chain, basic()) == [None, basic()]


def test_keyring_is_not_asked_for_an_undeclared_url_without_a_username() -> None:
    command = keyring({"https://h/simple": basic()})
    assert request(Chain([command])) == [None]
    assert command.asked == []


def test_keyring_is_not_asked_for_pypi_org_without_a_username() -> None:
    command = keyring({"pypi.org": basic()})
    chain = Chain([command], indexes=[Index("https://pypi.org/simple")])
    assert request(chain, url="https://pypi.org/simple/demo/") == [None]
    assert command.asked == []


def test_keyring_is_asked_for_pypi_org_with_a_username() -> None:
    chain = Chain([keyring({"https://pypi.org/simple": basic()})])
    assert request(chain, basic(), url="https://ada@pypi.org/simple/demo/") == [basic()]


def test_accepted_answer_is_sent_without_a_challenge_afterwards() -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index("https://h/simple")])
    request(chain, basic())
    assert request(chain, basic()) == [basic()]
    assert request(chain, basic(), url="https://h/files/demo.whl") == [basic()]
    assert len(command.asked) == 1


def test_accepted_netrc_default_is_sent_only_to_its_own_origin() -> None:
    chain = Chain([default(basic())])
    request(chain, basic())
    assert request(chain, basic(), url="https://h/y") == [basic()]
    assert chain.find("https://g/") is None
    assert chain.find("http://h/") is None


def test_answer_that_was_not_accepted_waits_for_a_challenge() -> None:
    chain = Chain([default(basic())])
    refused(chain, URL, status=401, challenge=BASIC)
    assert chain.find(URL) is None


def test_refused_answer_is_not_given_again() -> None:
    netrc = default(basic())
    chain = Chain([netrc])
    assert request(chain) == [None, basic()]
    assert request(chain) == [None]


def test_keyring_is_not_asked_again_after_a_miss() -> None:
    command = keyring()
    chain = Chain([command], indexes=[Index("https://h/simple")])
    for _ in range(3):
        request(chain)
    assert len(command.asked) == len(set(command.asked))


def test_expired_answer_is_replaced_like_any_other() -> None:
    command = keyring({"https://h/simple": basic("ada", "old")})
    chain = Chain([command], indexes=[Index("https://h/simple")])
    request(chain, basic("ada", "old"))
    command.held = {"https://h/simple": basic("ada", "new")}
    assert request(chain, basic("ada", "new")) == [basic("ada", "old"), basic("ada", "new")]
    assert request(chain, basic("ada", "new")) == [basic("ada", "new")]


# rejected credentials


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_is_looked_up_once_more(status: int) -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    found = begin(chain, URL)
    keeper.held["h"] = bearer("new")
    answer = refused(chain, URL, status=status, tried=[found])
    assert sent(answer) == bearer("new")
    assert keeper.refreshed == 1


def test_replaced_token_is_sent_afterwards() -> None:
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper])
    chain.find(URL)
    keeper.held["h"] = bearer("new")
    assert request(chain, bearer("new")) == [bearer("old"), bearer("new")]
    assert request(chain, bearer("new")) == [bearer("new")]


def test_same_answer_is_not_sent_again() -> None:
    assert request(Chain([Keeper({"h": bearer()})])) == [bearer()]


def test_removed_token_is_not_sent_again() -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    chain.find(URL)
    keeper.held.clear()
    assert request(chain) == [bearer()]
    assert request(chain) == [None]


def test_removed_token_runs_no_second_keyring_command() -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index("https://ada@h/simple")])
    chain.find(URL)
    command.held.clear()
    for _ in range(3):
        request(chain)
    assert len(command.asked) == 1 + 4


def test_token_that_never_worked_is_not_sent_after_a_401() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    assert request(chain) == [bearer()]
    assert request(chain) == [None]


def test_token_that_worked_is_still_sent_after_a_401() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    request(chain, bearer())
    assert request(chain) == [bearer()]
    assert request(chain) == [bearer()]


def test_token_that_never_worked_is_still_sent_after_a_403() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    assert request(chain, status=403) == [bearer()]
    assert request(chain, status=403) == [bearer()]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("accepted", [False, True])
def test_refused_token_runs_no_second_keyring_command(status: int, accepted: bool) -> None:
    command = keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index("https://ada@h/simple")])
    if accepted:
        request(chain, basic())
    for _ in range(5):
        request(chain, status=status)
    assert len(command.asked) == 2  # once before the refusal, and once after


def test_refusal_ends_after_five_minutes() -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper], clock=clock)
    request(chain)
    keeper.held["h"] = bearer("new")
    clock.now += 299
    assert request(chain, bearer("new")) == [None]
    clock.now += 1
    assert request(chain, bearer("new")) == [bearer("new")]


def test_token_that_is_still_sent_is_replaced_after_five_minutes() -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer("old")})
    chain = Chain([keeper], clock=clock)
    request(chain, bearer("old"))
    request(chain)
    keeper.held["h"] = bearer("new")
    assert request(chain, bearer("new")) == [bearer("old")]
    clock.now += 300
    assert request(chain, bearer("new")) == [bearer("old"), bearer("new")]


@pytest.mark.parametrize("accepted", [False, True])
def test_refusal_ends_when_a_file_changes(accepted: bool) -> None:
    clock = Clock()
    keeper = Keeper({"h": bearer("old")})
    keeper.stamp = 1
    chain = Chain([keeper], clock=clock)
    if accepted:
        request(chain, bearer("old"))
    request(chain)
    keeper.held["h"], keeper.stamp = bearer("new"), 2
    clock.now += 1
    assert request(chain, bearer("new"))[-1] == bearer("new")


def test_refusal_ends_with_forget() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    request(chain)
    chain.forget()
    assert request(chain, bearer()) == [bearer()]


def test_provider_with_new_answers_is_asked_once_more_per_request() -> None:
    rotating = Rotating()
    chain = Chain([rotating])
    assert request(chain) == [bearer("s3cret-1"), bearer("s3cret-2")]
    assert len(rotating.asked) == 2


def rotate_twice(chain: Chain, keeper: Keeper, *tokens: str) -> None:
    """Refuse two credentials of one request, because the server rotates its token each time."""
    tried = [begin(chain, URL)]
    keeper.held["h"] = bearer(tokens[0])
    tried.append(refused(chain, URL, status=401, tried=tried))
    keeper.held["h"] = bearer(tokens[1])
    assert refused(chain, URL, status=401, tried=tried) is None


def test_token_rotated_twice_in_one_request_is_looked_up_by_the_next() -> None:
    keeper = Keeper({"h": bearer("a")})
    chain = Chain([keeper])
    request(chain, bearer("a"))
    rotate_twice(chain, keeper, "b", "c")
    assert request(chain, bearer("c")) == [bearer("b"), bearer("c")]
    assert request(chain, bearer("c")) == [bearer("c")]


def test_token_rotated_twice_may_be_rotated_twice_again() -> None:
    keeper = Keeper({"h": bearer("a")})
    chain = Chain([keeper])
    request(chain, bearer("a"))
    for tokens in (("b", "c"), ("d", "e"), ("f", "g")):
        rotate_twice(chain, keeper, *tokens)
        assert request(chain, bearer(tokens[1]))[-1] == bearer(tokens[1])


def test_token_rotated_twice_for_many_threads_is_looked_up_by_the_next() -> None:
    keeper = Keeper({"h": bearer("a")})
    chain = Chain([keeper])
    request(chain, bearer("a"))
    first = begin(chain, URL)
    keeper.held["h"] = bearer("b")
    second = in_threads(8, lambda: refused(chain, URL, status=401, tried=[first]))
    keeper.held["h"] = bearer("c")
    assert (
        in_threads(8, lambda: refused(chain, URL, status=401, tried=[first, second[0]]))
        == [None] * 8
    )
    assert request(chain, bearer("c")) == [bearer("b"), bearer("c")]
    assert {sent(found) for found in second} == {bearer("b")}
    assert keeper.refreshed == 2  # one look-up for each renewal


def test_provider_with_a_new_token_each_time_ends_after_two_requests() -> None:
    rotating = Rotating()
    chain = Chain([rotating])
    request(chain, bearer("s3cret-1"))
    for _ in range(9):
        request(chain)
    assert len(rotating.asked) == 3
    assert request(chain) == [bearer("s3cret-3")]


@pytest.mark.parametrize("status", [401, 403])
def test_provider_with_new_tokens_ends_at_a_server_with_open_paths(status: int) -> None:
    clock, rotating = Clock(), Rotating()
    chain = Chain([rotating], clock=clock)
    for _ in range(9):
        request_open_then_closed(chain, status=status)
    assert len(rotating.asked) == 4
    clock.now += 60
    request_open_then_closed(chain, status=status)
    assert len(rotating.asked) == 5


def request_open_then_closed(chain: Chain, *, status: int) -> None:
    """Request a path that is open to everybody, and then one that is closed to the login."""
    accept(chain, URL, begin(chain, URL))
    request(chain, status=status)


@pytest.mark.parametrize("status", [401, 403])
def test_server_with_open_paths_starts_a_keyring_command_a_minute(status: int) -> None:
    clock, command = Clock(), keyring({"https://h/simple": basic()})
    chain = Chain([command], indexes=[Index("https://ada@h/simple")], clock=clock)
    for _ in range(60):
        request_open_then_closed(chain, status=status)
        clock.now += 1
    assert len(command.asked) == 3  # before and after the first refusal, and after an acceptance
    for _ in range(600):
        request_open_then_closed(chain, status=status)
        clock.now += 1
    assert len(command.asked) == 3 + 10


@pytest.mark.parametrize("status", [401, 403])
def test_login_that_works_after_a_refusal_is_replaced_at_the_next(status: int) -> None:
    command = keyring({"https://h/simple": basic("ada", "old")})
    chain = Chain([command], indexes=[Index("https://ada@h/simple")])
    request(chain, basic("ada", "old"))
    request(chain, status=status)
    request(chain, basic("ada", "old"))
    command.held = {"https://h/simple": basic("ada", "new")}
    assert request(chain, basic("ada", "new"))[-1] == basic("ada", "new")


def test_login_that_works_after_a_refusal_may_be_rotated_twice() -> None:
    keeper = Keeper({"h": bearer("a")})
    chain = Chain([keeper])
    request_open_then_closed(chain, status=401)
    request(chain, bearer("a"))
    rotate_twice(chain, keeper, "b", "c")
    assert request(chain, bearer("c")) == [bearer("b"), bearer("c")]


def test_login_that_works_after_a_refusal_is_looked_up_by_one_thread() -> None:
    keeper = Keeper({"h": bearer()})
    chain = Chain([keeper])
    request_open_then_closed(chain, status=401)
    found = begin(chain, URL)
    accept(chain, URL, found)
    in_threads(8, lambda: refused(chain, URL, status=401, tried=[found]))
    assert keeper.refreshed == 2  # after the first refusal, and once for the eight


def test_refused_credential_is_remembered_by_no_secret() -> None:
    chain = Chain([Keeper({"h": bearer()})])
    request(chain)
    entry = chain._lookup.cache.candidates(URL).entries[0]
    assert entry.found is entry.pending is None
    assert b"s3cret" not in entry.refused


def test_fingerprint_of_a_refusal_differs_between_chains() -> None:
    marks = set()
    for _ in range(2):
        chain = Chain([Keeper({"h": bearer()})])
        request(chain)
        marks.add(chain._lookup.cache.candidates(URL).entries[0].refused)
    assert len(marks) == 2


def test_userinfo_of_the_url_is_never_replaced() -> None:
    keeper = Keeper({"h": bearer()})
    assert request(Chain([keeper]), url="https://ada:s3cret@h/") == [basic()]
    assert keeper.asked == []
    assert keeper.refreshed == 0


def test_userinfo_of_the_manifest_is_never_replaced() -> None:
    chain = Chain(
        [Keeper({"h": bearer()}), default(bearer())], indexes=[Index("https://ada:s3cret@h/simple")]
    )
    assert request(chain) == [basic()]
    assert request(chain) == [basic()]


def test_netrc_default_does_not_follow_a_refused_credential() -> None:
    chain = Chain([Keeper({"h": basic()}), default(basic("other"))])
    assert request(chain) == [basic()]
    assert request(chain) == [None]


def test_refusal_of_one_user_leaves_another_user_alone() -> None:
    chain = Chain([Keeper({"h": basic()})])
    request(chain, url="https://ada@h/")
    assert sent(chain.find("https://h/")) == basic()


def test_credential_found_since_the_request_is_sent_after_a_401() -> None:
    keeper = Keeper()
    chain = Chain([keeper])
    chain.find(URL)
    keeper.held["h"] = bearer()
    chain.forget()
    chain.find(URL)
    assert sent(refused(chain, URL, status=401, challenge=BASIC)) == bearer()


def test_url_that_cannot_be_dialled_has_no_answer() -> None:
    chain = Chain([default(basic())])
    assert refused(chain, "https://", status=401, challenge=BASIC) is None


# several indexes that cover a URL

A, B = Index("https://h/acme/a/simple", "ada"), Index("https://h/acme/b/simple", "bob")
BETWEEN = "https://h/acme/files/demo.whl"
BOTH = {"https://h/acme/a/simple": basic("ada"), "https://h/acme/b/simple": basic("bob")}


def test_tie_is_tried_in_the_order_of_the_manifest() -> None:
    assert request(Chain([keyring(BOTH)], indexes=[A, B]), basic("ada"), url=BETWEEN) == [
        basic("ada")
    ]
    assert request(Chain([keyring(BOTH)], indexes=[B, A]), basic("bob"), url=BETWEEN) == [
        basic("bob")
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_next_index_is_tried_after_a_refusal(status: int) -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    assert request(chain, basic("bob"), url=BETWEEN, status=status) == [basic("ada"), basic("bob")]


def test_chosen_index_is_remembered_for_its_path() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    request(chain, basic("bob"), url=BETWEEN)
    assert request(chain, basic("bob"), url="https://h/acme/files/other.whl") == [basic("bob")]


def test_another_path_may_choose_another_index() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    request(chain, basic("bob"), url=BETWEEN)
    assert request(chain, basic("ada"), url="https://h/acme/wheels/demo.whl") == [basic("ada")]
    assert request(chain, basic("bob"), url=BETWEEN) == [basic("bob")]


def test_refused_index_keeps_its_credential_for_its_own_root() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    request(chain, basic("bob"), url=BETWEEN)
    assert request(chain, basic("ada"), url="https://h/acme/a/simple/demo/") == [basic("ada")]


def test_request_ends_if_all_indexes_are_refused() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    assert request(chain, url=BETWEEN) == [basic("ada"), basic("bob")]


def test_next_request_tries_one_index_if_all_were_refused() -> None:
    command = keyring(BOTH)
    chain = Chain([command], indexes=[A, B])
    for _ in range(5):
        request(chain, url=BETWEEN)
    assert request(chain, url=BETWEEN) == [None]
    assert len(command.asked) == 3  # each index once, and the first one once more


def test_refused_indexes_are_tried_again_after_five_minutes() -> None:
    clock = Clock()
    chain = Chain([keyring(BOTH)], indexes=[A, B], clock=clock)
    request(chain, url=BETWEEN)
    clock.now += 300
    assert request(chain, basic("bob"), url=BETWEEN) == [basic("ada"), basic("bob")]


def test_shared_credential_of_two_indexes_is_sent_once() -> None:
    chain = Chain([Keeper({"h": bearer()})], indexes=[A, B])
    assert request(chain, url=BETWEEN) == [bearer()]


def test_expired_tokens_of_a_tie_are_replaced() -> None:
    command = keyring(BOTH)
    chain = Chain([command], indexes=[A, B])
    request(chain, basic("ada"), url="https://h/acme/a/simple/x")
    request(chain, basic("bob"), url="https://h/acme/b/simple/x")
    command.held = {key: BasicHTTP(value.username, "new") for key, value in BOTH.items()}
    assert request(chain, basic("bob", "new"), url=BETWEEN)[-1] == basic("bob", "new")


def test_token_of_the_chosen_index_is_replaced_like_any_other() -> None:
    command = keyring(BOTH)
    chain = Chain([command], indexes=[A, B])
    request(chain, basic("bob"), url=BETWEEN)
    command.held = {"https://h/acme/b/simple": basic("bob", "new")}
    assert request(chain, basic("bob", "new"), url=BETWEEN) == [basic("bob"), basic("bob", "new")]


def test_tie_without_usernames_asks_the_keyring_for_each_index() -> None:
    a, b = Index("https://h/acme/a/simple"), Index("https://h/acme/b/simple")
    chain = Chain([keyring(BOTH)], indexes=[a, b])
    assert request(chain, basic("bob"), url=BETWEEN) == [None, basic("ada"), basic("bob")]
    assert request(chain, basic("bob"), url=BETWEEN) == [basic("bob")]


OF_A, OF_B = "https://h/acme/files/a-guid/{}/x.whl", "https://h/acme/files/b-guid/{}/x.whl"


@pytest.mark.parametrize("of_whom", ["", "token@"])
def test_two_chosen_indexes_keep_their_own_folders(of_whom: str) -> None:
    indexes = [Index(index.url, "token") for index in (A, B)]
    held = {
        "https://h/acme/a/simple": basic("token", "a"),
        "https://h/acme/b/simple": basic("token", "b"),
    }
    command = keyring(held)
    chain = Chain([command], indexes=indexes)
    a, b = held.values()
    of_a, of_b = (url.replace("https://", "https://" + of_whom) for url in (OF_A, OF_B))
    assert request(chain, a, url=of_a.format(1)) == [a]
    assert request(chain, b, url=of_b.format(1)) == [a, b]
    for number in range(2, 9):
        assert request(chain, a, url=of_a.format(number)) == [a]
        assert request(chain, b, url=of_b.format(number)) == [b]
    assert len(command.asked) == 2


def test_path_that_cannot_be_read_is_refused_like_any_other() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    assert request(chain, url="https://h/acme/files/a b") == [None]


def test_folder_of_a_chosen_index_may_be_split_again() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    request(chain, basic("ada"), url=OF_A.format("1/deep"))
    request(chain, basic("bob"), url=OF_B.format("1/deep"))
    request(chain, basic("bob"), url=OF_A.format("2/deep"))
    assert request(chain, basic("bob"), url=OF_B.format("3/deep")) == [basic("bob")]


def test_chosen_index_is_renewed_within_its_known_prefix() -> None:
    command = keyring(BOTH)
    chain = Chain([command], indexes=[A, B])
    for number in (1, 2):
        request(chain, basic("ada"), url=OF_A.format(number))
    command.held = {"https://h/acme/a/simple": basic("ada", "new")}
    assert request(chain, basic("ada", "new"), url=OF_A.format(3)) == [
        basic("ada"),
        basic("ada", "new"),
    ]


def test_index_whose_page_was_read_last_is_tried_first() -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    request(chain, basic("ada"), url="https://h/acme/a/simple/x/")
    request(chain, basic("bob"), url="https://h/acme/b/simple/x/")
    assert request(chain, basic("bob"), url=OF_B.format(1)) == [basic("bob")]
    request(chain, basic("ada"), url="https://h/acme/a/simple/x/")
    assert request(chain, basic("ada"), url=OF_A.format(1)) == [basic("ada")]


SEGMENTS = st.lists(st.sampled_from(["", "x", "y"]), max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["ada", "bob"]), SEGMENTS), max_size=12))
def test_request_ends_whichever_index_opens_a_path(opened: list[tuple[str, list[str]]]) -> None:
    chain = Chain([keyring(BOTH)], indexes=[A, B])
    for user, segments in opened:
        url = "/".join(["https://h/acme", *segments])
        assert request(chain, basic(user), url=url)[-1] == basic(user)


def test_two_users_at_one_root_are_tried_in_turn() -> None:
    users = [Index("https://h/simple", "ada"), Index("https://h/simple", "bob")]

    class ByUser(Keeper):
        def find(self, key: str, username: str | None = None) -> BasicHTTP:
            super().find(key, username)
            return basic(username or "")

    chain = Chain([ByUser(answers=[SERVICE])], indexes=users)
    assert request(chain, basic("bob")) == [basic("ada"), basic("bob")]
    assert request(chain, basic("bob"), url="https://h/simple/other/") == [basic("bob")]
    assert request(chain, basic("ada"), url="https://ada@h/simple/other/") == [basic("ada")]


def test_url_without_a_common_segment_gets_no_credential() -> None:
    command = keyring(BOTH)
    chain = Chain([command], indexes=[A, B])
    assert request(chain, url="https://h/other/demo.whl") == [None]
    assert command.asked == []


def test_index_that_lost_access_gives_way_to_the_next_one() -> None:
    first, second = basic("a", "s3cret"), basic("b", "s3cret")
    url = "https://h.example/simple/demo/"
    chain = Chain(
        [Keeper()],
        indexes=[
            Index("https://a:s3cret@h.example/simple"),
            Index("https://b:s3cret@h.example/simple"),
        ],
    )
    found = begin(chain, url)
    assert found is not None
    assert found.credential == first
    accept(chain, url, found)
    again = refused(chain, url, status=401, tried=[found])
    assert again is not None
    assert again.credential == second


def test_forbidden_path_costs_no_other_path_if_each_token_is_new() -> None:
    mint = Rotating()
    chain = Chain([mint])
    url = "https://h.example/a"
    first = begin(chain, url)
    assert first is not None
    accept(chain, url, first)
    forbidden = "https://h.example/forbidden"
    second = refused(chain, forbidden, status=401, tried=[first])
    assert second is not None
    assert refused(chain, forbidden, status=401, tried=[first, second]) is None
    assert chain.find(url) is not None


def test_forbidden_file_costs_no_other_file_of_its_indexes() -> None:
    chain = Chain(
        [Keeper()],
        indexes=[
            Index("https://a:s3cret@h.example/acme/one/simple"),
            Index("https://b:s3cret@h.example/acme/two/simple"),
        ],
    )
    own = "https://h.example/acme/one/simple/x/"
    mine = begin(chain, own)
    assert mine is not None
    accept(chain, own, mine)
    shared = "https://h.example/acme/files/x"
    tried = [begin(chain, shared)]
    assert tried[0] is not None
    tried.append(refused(chain, shared, status=403, tried=[tried[0]]))
    assert tried[1] is not None
    assert refused(chain, shared, status=403, tried=[found for found in tried if found]) is None
    again = begin(chain, shared)
    assert again is not None
    assert sent(refused(chain, shared, status=403, tried=[again])) == sent(tried[1])
