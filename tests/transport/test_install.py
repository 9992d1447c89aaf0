"""install: one call logs a session in, and leaves what its owner has set up."""

from __future__ import annotations

import base64
import copy
import gc
import os
import pickle
import weakref
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import requests
from fakes import Canned, Fixed, chain_of
from requests.adapters import HTTPAdapter
from servers import Answer, Recorder, redirect
from urllib3.util.retry import Retry

import authshim
import authshim.transport.session
from authshim import AuthAdapter, BearerToken, Chain, InstallError
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from typing import Callable

BEARER = BearerToken("s3cret")


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def own_chain(folder: Path) -> Chain:
    """Return a chain of one's own that can be pickled."""
    return Chain([AuthFile(str(folder / "auth.json"))])


def test_it_returns_the_session() -> None:
    session = requests.Session()
    assert authshim.install(session, chain_of(None)) is session


def test_the_session_is_logged_in(recorder: Recorder) -> None:
    authshim.install(requests.Session(), chain_of(BEARER)).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_without_a_chain_the_environment_is_asked(home: Path, recorder: Recorder) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password s3cret\n")
    authshim.install(requests.Session()).get(recorder.url)
    assert recorder.seen[0].authorization == basic("ada:s3cret")


def write_manifest(folder: Path, recorder: Recorder) -> Path:
    url = recorder.url.replace("//", "//bob:s3cret@")
    (folder / "pixi.toml").write_text(
        "[workspace]\nchannels = []\nplatforms = []\n[environments]\nprivate = ['private']\n"
        f"[feature.private.pypi-options]\nextra-index-urls = ['{url}/simple']\n"
    )
    return folder / "pixi.toml"


@pytest.mark.parametrize("environment", [None, "private"])
def test_a_manifest_declares_the_indexes(
    environment: str | None, tmp_path: Path, recorder: Recorder
) -> None:
    path = write_manifest(tmp_path, recorder)
    authshim.install(requests.Session(), manifest=path, environment=environment).get(
        recorder.url + "/simple/x/"
    )
    assert recorder.seen[0].authorization == basic("bob:s3cret")


def test_the_indexes_of_another_environment_do_not_count(
    tmp_path: Path, recorder: Recorder
) -> None:
    path = write_manifest(tmp_path, recorder)
    authshim.install(requests.Session(), manifest=path, environment="default").get(
        recorder.url + "/simple/x/"
    )
    assert recorder.seen[0].authorization is None


def test_a_manifest_may_be_given_as_text_as_an_object_or_as_its_folder(
    tmp_path: Path, recorder: Recorder
) -> None:
    path = write_manifest(tmp_path, recorder)
    for manifest in (str(path), authshim.Manifest.load(path), tmp_path):
        authshim.install(requests.Session(), manifest=manifest).get(recorder.url + "/simple/x/")
    assert [seen.authorization for seen in recorder.seen] == [basic("bob:s3cret")] * 3


def test_missing_manifest_raises_and_leaves_the_session_unchanged(
    tmp_path: Path,
) -> None:
    session = requests.Session()
    with pytest.raises(authshim.ManifestError):
        authshim.install(session, manifest=tmp_path / "pixi.toml")
    assert session.auth is None
    assert not any(isinstance(adapter, AuthAdapter) for adapter in session.adapters.values())


# What is mounted


def test_adapters_that_are_mounted_stay_as_inner() -> None:
    session = requests.Session()
    mine = HTTPAdapter(max_retries=3)
    session.mount("https://h.example/", mine)
    before = dict(session.adapters)
    before["s3://"] = before["https://"]
    authshim.install(session, chain_of(None))
    assert {prefix: adapter.inner for prefix, adapter in session.adapters.items()} == before
    assert list(session.adapters) == list(before)


def test_one_chain_serves_all_adapters() -> None:
    session = authshim.install(requests.Session(), chain_of(None))
    assert len({id(adapter.chain) for adapter in session.adapters.values()}) == 1


def test_any_kind_of_adapter_is_wrapped() -> None:
    session = requests.Session()
    canned = Canned()
    session.mount("canned+http://", canned)
    session.mount("http://", canned)
    authshim.install(session, chain_of(BEARER))
    assert session.get("http://127.0.0.1/x").content == b"canned"
    assert canned.sent[0].headers["Authorization"] == "Bearer s3cret"
    assert session.get("canned+http://127.0.0.1/x").content == b"canned"
    assert "Authorization" not in canned.sent[1].headers


def test_hand_mounted_adapter_stays_and_its_chain_serves_the_others() -> None:
    session, chain = requests.Session(), chain_of(None)
    mine = AuthAdapter(chain)
    session.mount("https://h.example/", mine)
    authshim.install(session, chain)
    assert session.adapters["https://h.example/"] is mine
    assert {adapter.chain for adapter in session.adapters.values()} == {chain}


# The attributes of the wrapped adapter


class Cache(HTTPAdapter):
    """An adapter like CacheControl's: it has settings of its own and overrides methods."""

    __attrs__ = (*HTTPAdapter.__attrs__, "cache")
    cacheable_methods = ("GET",)
    pools = 0

    def __init__(self) -> None:
        self.cache: dict[str, str] = {}
        super().__init__()

    def init_poolmanager(self, *args: object, **options: object) -> None:
        self.pools += 1
        super().init_poolmanager(*args, **options)


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def shown(cache: Cache) -> AuthAdapter:
    """The adapter that an installed session shows in place of ``cache``."""
    session = requests.Session()
    session.mount("http://", cache)
    return authshim.install(session, chain_of(BEARER)).get_adapter("http://h.example/")


@pytest.mark.parametrize(
    "name", sorted({*HTTPAdapter.__attrs__, "poolmanager", "cache", "cacheable_methods"})
)
def test_installed_adapter_reads_the_attributes_of_inner(
    name: str, shown: AuthAdapter, cache: Cache
) -> None:
    assert getattr(shown, name) is getattr(cache, name)


@pytest.mark.parametrize(
    "name", ["max_retries", "poolmanager", "cache", "cacheable_methods", "new"]
)
def test_installed_adapter_sets_the_attributes_of_inner(
    name: str, shown: AuthAdapter, cache: Cache
) -> None:
    value = object()
    setattr(shown, name, value)
    assert getattr(cache, name) is value
    assert getattr(shown, name) is value


def test_retries_set_after_install_are_used(recorder: Recorder) -> None:
    recorder.on("/x", Answer(503), Answer(503), Answer(200))
    session = authshim.install(requests.Session(), chain_of(BEARER))
    session.get_adapter(recorder.url).max_retries = Retry(
        5, status_forcelist=[503], backoff_factor=0
    )
    assert session.get(recorder.url + "/x").status_code == 200
    assert [seen.authorization for seen in recorder.seen] == ["Bearer s3cret"] * 3


def test_pools_of_the_inner_adapter_are_the_ones_in_use(recorder: Recorder) -> None:
    session = authshim.install(requests.Session(), chain_of(BEARER))
    session.get(recorder.url)
    assert len(session.get_adapter(recorder.url).poolmanager.pools) == 1


def test_methods_of_the_inner_adapter_are_called(shown: AuthAdapter, cache: Cache) -> None:
    shown.init_poolmanager(1, 1)
    assert cache.pools == 2
    assert shown.build_response == cache.build_response


def test_method_set_on_the_installed_adapter_reaches_inner(
    shown: AuthAdapter, cache: Cache
) -> None:
    def mine(*_: object) -> None:
        """Do nothing."""

    shown.add_headers = mine
    assert cache.add_headers is shown.add_headers is mine
    del shown.add_headers
    assert shown.add_headers == cache.add_headers != mine


def test_attribute_patched_for_a_while_is_restored(shown: AuthAdapter, cache: Cache) -> None:
    before = cache.max_retries
    with mock.patch.object(shown, "max_retries", 7):
        assert cache.max_retries == 7
    assert cache.max_retries is before


def test_attribute_that_no_adapter_has_is_an_attribute_error(shown: AuthAdapter) -> None:
    for adapter in (shown, AuthAdapter(chain_of(None))):
        with pytest.raises(AttributeError, match="no attribute 'absent'"):
            adapter.absent  # noqa: B018
        with pytest.raises(AttributeError, match="absent"):
            del adapter.absent


def test_attributes_of_the_auth_adapter_stay_its_own(shown: AuthAdapter, cache: Cache) -> None:
    chain = chain_of(None)
    shown.chain = chain
    assert isinstance(shown, AuthAdapter)
    assert shown.inner is cache
    assert shown.chain is chain
    assert not {"chain", "inner", "made_with"} & set(vars(cache))


def test_send_replaced_on_the_installed_adapter_may_call_the_old_one(
    shown: AuthAdapter, cache: Cache
) -> None:
    sent = []
    send, cache.send = shown.send, lambda request, **_: sent.append("cache") or requests.Response()
    shown.send = lambda request, **options: sent.append("mine") or send(request, **options)
    shown.send(requests.Request("GET", "http://h.example/").prepare())
    assert sent == ["mine", "cache"]


def test_other_inner_adapter_shows_its_own_attributes(shown: AuthAdapter) -> None:
    other = Cache()
    shown.inner = other
    assert shown.cache is other.cache
    assert shown.build_response == other.build_response
    assert AuthAdapter(chain_of(None)).build_response != other.build_response


def test_counter_of_a_subclass_is_counted_for_each_wrapper() -> None:
    class Counting(AuthAdapter):
        count = 0

    inner = Canned()
    first, second = Counting(chain_of(None), inner=inner), Counting(chain_of(None), inner=inner)
    first.count += 1
    assert (first.count, second.count) == (1, 0)


def test_adapter_without_settings_has_none_when_installed() -> None:
    adapter = AuthAdapter(chain_of(None), inner=Canned())
    assert adapter.answers == [200]
    assert not hasattr(adapter, "poolmanager")


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda adapter: pickle.loads(pickle.dumps(adapter))]
)
def test_copy_of_an_installed_adapter_has_a_copy_of_inner(copied: Callable, tmp_path: Path) -> None:
    adapter = AuthAdapter(own_chain(tmp_path), inner=Cache())
    adapter.cache = {"a": "b"}
    landed = copied(adapter)
    assert landed.inner is not adapter.inner
    assert landed.cache is landed.inner.cache == {"a": "b"}
    assert landed.poolmanager is landed.inner.poolmanager
    assert type(landed.inner) is Cache


# A second call


def test_a_second_call_with_the_same_options_does_nothing() -> None:
    session, chain = requests.Session(), chain_of(None)
    authshim.install(session, chain)
    before, rebuild_auth = dict(session.adapters), session.rebuild_auth
    assert authshim.install(session, chain) is session
    assert dict(session.adapters) == before
    assert session.rebuild_auth is rebuild_auth


def test_a_second_call_without_options_does_nothing() -> None:
    session = authshim.install(requests.Session())
    before = dict(session.adapters)
    authshim.install(session)
    assert dict(session.adapters) == before


def test_second_call_with_another_spelling_of_a_manifest_does_nothing(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_manifest(tmp_path, recorder)
    session = authshim.install(requests.Session(), manifest=path)
    before = dict(session.adapters)
    monkeypatch.chdir(tmp_path)
    for manifest in (str(path), "pixi.toml", Path("pixi.toml"), authshim.Manifest.load(path)):
        assert authshim.install(session, manifest=manifest) is session
        assert dict(session.adapters) == before


@pytest.mark.parametrize(
    "options", [{"chain": Chain([])}, {"environment": "test"}, {"manifest": "pixi.toml"}]
)
def test_a_second_call_with_other_options_is_an_error(options: dict[str, object]) -> None:
    session = authshim.install(requests.Session(), chain_of(None))
    with pytest.raises(InstallError, match="use another session"):
        authshim.install(session, **options)


def test_a_second_call_that_is_an_error_changes_nothing() -> None:
    session = authshim.install(requests.Session(), chain_of(None))
    session.mount("https://h.example/", HTTPAdapter())
    before = dict(session.adapters)
    with pytest.raises(InstallError):
        authshim.install(session, chain_of(None))
    assert dict(session.adapters) == before


def test_an_adapter_that_was_mounted_meanwhile_is_wrapped_by_a_second_call(
    recorder: Recorder,
) -> None:
    session, chain = requests.Session(), chain_of(BEARER)
    authshim.install(session, chain)
    mine = HTTPAdapter()
    session.mount(recorder.url + "/", mine)
    authshim.install(session, chain)
    session.get(recorder.url)
    assert session.adapters[recorder.url + "/"].inner is mine
    assert session.adapters[recorder.url + "/"].chain is chain
    assert recorder.seen[0].authorization == "Bearer s3cret"


# A copy of an installed session


def through_pickle(session: requests.Session) -> requests.Session:
    return pickle.loads(pickle.dumps(session))


EVERY_COPY = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, through_pickle])


@EVERY_COPY
def test_install_accepts_the_same_chain_on_a_copy(copied: Callable, tmp_path: Path) -> None:
    chain = own_chain(tmp_path)
    session = copied(authshim.install(requests.Session(), chain))
    before = dict(session.adapters)
    assert authshim.install(session, chain) is session
    assert dict(session.adapters) == before
    assert "rebuild_auth" in vars(session)


@EVERY_COPY
def test_install_accepts_the_same_chain_on_a_copy_of_a_copy(
    copied: Callable, tmp_path: Path
) -> None:
    chain = own_chain(tmp_path)
    session = copied(copied(authshim.install(requests.Session(), chain)))
    assert authshim.install(session, chain) is session


@EVERY_COPY
def test_install_accepts_a_copy_of_the_chain_on_the_session(
    copied: Callable, tmp_path: Path
) -> None:
    session = authshim.install(requests.Session(), own_chain(tmp_path))
    chain = copied(session).get_adapter("https://h.example/").chain
    assert authshim.install(session, chain) is session


@EVERY_COPY
def test_install_accepts_no_chain_on_a_copy_made_without_one(copied: Callable) -> None:
    session = copied(authshim.install(requests.Session()))
    assert authshim.install(session) is session


@EVERY_COPY
def test_install_refuses_another_chain_on_a_copy(copied: Callable, tmp_path: Path) -> None:
    session = copied(authshim.install(requests.Session(), own_chain(tmp_path)))
    for other in (own_chain(tmp_path), None):
        with pytest.raises(InstallError, match="use another session"):
            authshim.install(session, other)


# session.auth


@pytest.mark.parametrize("auth", [("bob", "pw"), requests.auth.HTTPBasicAuth("bob", "pw")])
def test_the_sessions_own_auth_stays(auth: object, recorder: Recorder) -> None:
    session = requests.Session()
    session.auth = auth
    authshim.install(session, chain_of(BEARER)).get(recorder.url)
    assert session.auth is auth
    assert recorder.seen[0].authorization == basic("bob:pw")


def test_an_auth_that_was_set_afterwards_is_the_callers(recorder: Recorder) -> None:
    session = authshim.install(requests.Session(), chain_of(BEARER))
    session.auth = ("bob", "pw")
    session.get(recorder.url)
    assert recorder.seen[0].authorization == basic("bob:pw")


def test_an_auth_that_was_taken_away_afterwards_is_not_missed(
    home: Path, recorder: Recorder
) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ambient password netrc-pw\n")
    session = authshim.install(requests.Session(), chain_of(BEARER))
    session.auth = None
    session.get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_an_auth_that_is_empty_counts_as_none(recorder: Recorder) -> None:
    session = requests.Session()
    session.auth = ()
    authshim.install(session, chain_of(None)).get(recorder.url.replace("//", "//%D0%B0:%D0%BF@"))
    assert recorder.seen[0].authorization == basic("а:п")


def test_a_password_in_the_url_is_sent_in_utf_8(recorder: Recorder) -> None:
    url = recorder.url.replace("//", "//%D0%B0:%D0%BF%C3%A4@")
    authshim.install(requests.Session(), chain_of(BEARER)).get(url)
    assert recorder.seen[0].authorization == basic("а:пä")


def test_a_password_with_a_line_break_is_not_sent(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    url = recorder.url.replace("//", "//bob:s3cret%0aX@")
    assert authshim.install(requests.Session(), chain_of(None)).get(url).status_code == 200
    assert recorder.seen[0].authorization is None
    assert [record.levelname for record in caplog.records if record.name == "authshim"] == [
        "WARNING"
    ]
    assert "s3cret" not in caplog.text


def test_an_explicit_header_goes_before_the_password_in_the_url(recorder: Recorder) -> None:
    session = authshim.install(requests.Session(), chain_of(BEARER))
    session.get(recorder.url.replace("//", "//bob:pw@"), headers={"authorization": "Token mine"})
    assert recorder.seen[0].headers.get_all("Authorization") == ["Token mine"]


def test_auth_of_the_session_does_nothing_else() -> None:
    request = requests.Request("GET", "http://h.example/x", headers={"A": "1"}).prepare()
    before = dict(vars(request), headers=dict(request.headers))
    assert authshim.transport.session.send_userinfo(request) is request
    assert dict(vars(request), headers=dict(request.headers)) == before


# session.rebuild_auth


def test_a_rebuild_auth_of_the_class_stays(recorder: Recorder) -> None:
    class Mine(requests.Session):
        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            prepared_request.headers["X-Mine"] = "1"

    recorder.on("/x", redirect("/y"))
    session = authshim.install(Mine(), chain_of(BEARER))
    session.get(recorder.url + "/x")
    assert "rebuild_auth" not in vars(session)
    assert recorder.seen[1].headers["X-Mine"] == "1"
    assert recorder.seen[1].authorization == "Bearer s3cret"


def test_a_rebuild_auth_of_the_session_stays() -> None:
    def mine(prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Do nothing."""

    session = requests.Session()
    session.rebuild_auth = mine
    assert authshim.install(session, chain_of(None)).rebuild_auth is mine


def test_a_subclass_may_say_what_is_taken_off(recorder: Recorder) -> None:
    class Strict(requests.Session):
        def should_strip_auth(self, old_url: str, new_url: str) -> bool:
            return True

    recorder.on("/x", redirect("/y"))
    session = authshim.install(Strict(), chain_of(None))
    session.get(recorder.url + "/x", headers={"Authorization": "Token mine"})
    assert [seen.authorization for seen in recorder.seen] == ["Token mine", None]


def test_a_session_does_not_hold_itself(recorder: Recorder) -> None:
    session = authshim.install(requests.Session(), chain_of(BEARER))
    gone = weakref.ref(session)
    gc.disable()
    try:
        del session
        assert gone() is None
    finally:
        gc.enable()


def test_a_session_without_trust_in_the_environment_keeps_that(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    session = requests.Session()
    session.trust_env = False
    authshim.install(session, chain_of(BEARER)).get(recorder.url)
    assert recorder.seen[0].authorization == "Bearer s3cret"


def test_proxies_of_the_environment_are_kept(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", recorder.url)
    authshim.install(requests.Session(), Chain([Fixed({"h.example": BEARER})])).get(
        "http://h.example/x"
    )
    assert recorder.seen[0].target == "http://h.example/x"


def test_the_environment_is_left_alone(make_recorder: Callable) -> None:
    before = dict(os.environ)
    recorder = make_recorder()
    recorder.default = Answer(401)
    authshim.install(requests.Session()).get(recorder.url)
    assert dict(os.environ) == before


def test_the_names_of_the_package_are_listed_before_they_are_loaded() -> None:
    assert set(authshim.__all__) <= set(dir(authshim))
