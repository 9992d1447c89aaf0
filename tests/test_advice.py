"""The next command that a person is told to type."""

from __future__ import annotations

import pytest
from fakes import Fixed

import authshim
from authshim.advice import log_in, log_in_again, log_in_at
from authshim.lookup.trace import ProviderName
from authshim.providers.base import AUTH_FILE, NETRC
from authshim.providers.os_keychain import OSKeychain
from authshim.urls import HOST, PATH, PORT, WILDCARD, Key
from authshim.vendors import ask_owner, missing

LOG_IN = [
    ("https://repo.prefix.dev/acme", "authshim auth login prefix.dev --token"),
    ("https://prefix.dev/", "authshim auth login prefix.dev"),
    ("https://conda.anaconda.org/acme", "authshim auth login anaconda.org"),
    ("https://anaconda.org/acme", "authshim auth login anaconda.org"),
    (
        "https://notprefix.dev/acme",
        (
            "authshim auth login notprefix.dev --username USER   "
            "(or --token, or --conda-token; it asks for the secret)"
        ),
    ),
]


@pytest.mark.parametrize(("url", "command"), LOG_IN)
def test_a_channel_is_logged_in_to_by_the_login_that_its_service_takes(
    url: str, command: str
) -> None:
    assert log_in(url, None, by_keyring=False) == command


@pytest.mark.parametrize(("username", "told"), [(None, "ada"), ("bob", "bob")])
def test_the_user_that_a_url_names_is_logged_in_unless_another_is_given(
    username: str | None, told: str
) -> None:
    step = log_in_at("https://ada@h.example/simple/demo/", username, asks_keyring=True)
    hint = f"   (if {told} is itself the secret: write {told}:@ in the URL)"
    assert step == f"keyring set https://h.example/simple {told}{hint}"


def test_login_replaces_keyring_set_if_there_is_no_keychain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
    chain = authshim.Chain([OSKeychain(platform="linux")])
    url = "https://ada@h.example/simple"
    chain.find(url)
    step = log_in_at(url, None, asks_keyring=True, chain=chain)
    assert step.startswith("authshim auth login h.example --username ada")


def test_hint_for_a_lone_name_writes_it_as_a_url_does() -> None:
    step = log_in("https://h.example/c", "ada lovelace@h", by_keyring=False)
    assert step.endswith(
        "   (if ada lovelace@h is itself the secret: write ada%20lovelace%40h:@ in the URL)"
    )


@pytest.mark.parametrize("username", ["", "a\nb"])
def test_hint_is_left_out_for_a_name_that_cannot_be_written(username: str) -> None:
    assert "is itself the secret" not in log_in(
        "https://h.example/simple", username, by_keyring=True
    )


def test_step_after_a_refused_token_does_not_show_it() -> None:
    assert "s3cret" not in log_in_at(
        "https://glpat-s3cret@h.example/simple/", None, asks_keyring=True
    )


GOOGLES = (
    "let an owner run: gcloud artifacts repositories add-iam-policy-binding wheels --project=acme "
    "--location=europe-west1 --member=user:EMAIL --role=roles/artifactregistry.reader"
)
NOBODYS = "ask its owner to let this user read it"


@pytest.mark.parametrize(
    ("url", "step"),
    [
        ("https://europe-west1-python.pkg.dev/acme/wheels/simple/", GOOGLES),
        (
            "https://pkgs.dev.azure.com/acme/widgets/_packaging/blue/pypi/simple/",
            "ask an owner of the feed blue to make this user a Feed Reader",
        ),
        ("https://pkgs.dev.azure.com/odd", NOBODYS),
        ("https://index.example/simple", NOBODYS),
    ],
)
def test_whoever_is_known_and_may_not_read_is_sent_to_an_owner(url: str, step: str) -> None:
    assert ask_owner(url) == step


DESCRIBE = (
    "aws codeartifact describe-repository --domain acme --domain-owner 111122223333 "
    "--repository store --region eu-west-1"
)


@pytest.mark.parametrize(
    ("url", "detail", "step"),
    [
        (
            "https://acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com/pypi/store/simple/",
            (
                "CodeArtifact says so of a repository that is not there, "
                "or that this user may not read"
            ),
            DESCRIBE,
        ),
        ("https://index.example/simple", "", f"correct the URL, or {NOBODYS}"),
    ],
)
def test_404_advice_for_a_login_depends_on_the_vendor(url: str, detail: str, step: str) -> None:
    assert missing(url) == (detail, step)


@pytest.mark.parametrize(
    "host", ["acme.s3.eu-west-1.amazonaws.com", "pkgs.dev.azure.com.evil.example"]
)
def test_other_service_gets_no_login_command_of_the_vendor(
    host: str,
) -> None:
    assert log_in(f"https://{host}/simple/", None, by_keyring=True).startswith(
        f"authshim auth login {host} "
    )


@pytest.mark.parametrize(
    ("key", "kind", "step"),
    [
        (Key("h.example/acme", PATH), AUTH_FILE, "correct the entry for h.example/acme in F"),
        (Key("h.example:443", PORT), AUTH_FILE, "correct the entry for h.example:443 in F"),
        (Key("h.example", HOST), AUTH_FILE, "authshim auth login h.example --username ada"),
        (Key("h.example:443", PORT), NETRC, "correct the entry for h.example:443 in F"),
    ],
)
def test_a_login_is_not_sent_where_a_nearer_entry_would_shadow_it(
    key: Key, kind: str, step: str
) -> None:
    found = authshim.Found(authshim.BasicHTTP("ada", "s3cret"), ProviderName("F", kind), key)
    assert log_in_again("https://h.example/acme/simple/", found).startswith(step)


def oauth(endpoint: str) -> authshim.OAuth:
    return authshim.OAuth("s3cret-a", "s3cret-r", None, endpoint, None, "rattler")


def test_refused_oauth_login_is_replaced_by_its_own_command() -> None:
    credential = oauth("https://id.example/token")
    found = authshim.Found(credential, "auth file F", Key("h.example", HOST))
    assert log_in_again("https://h.example/acme", found) == (
        "authshim auth login h.example --oauth --oauth-issuer-url https://id.example"
    )


TOKEN = "authshim auth login prefix.dev --token"
ALONE = (
    f"{TOKEN}   (the login for prefix.dev is for prefix.dev alone, in pixi too; "
    "or use https://prefix.dev/acme)"
)


@pytest.mark.parametrize(
    ("url", "key", "step"),
    [
        ("https://repo.prefix.dev/acme", "prefix.dev", ALONE),
        ("https://repo.prefix.dev/acme/noarch/repodata.json?x", "prefix.dev", ALONE),
        ("https://repo.prefix.dev", "prefix.dev", ALONE.replace("acme", "")),
        ("https://repo.prefix.dev/acme", "*.prefix.dev", TOKEN),
        ("https://repo.prefix.dev/acme", "other.example", TOKEN),
        ("https://beta.prefix.dev/acme", "prefix.dev", TOKEN),
        ("https://prefix.dev/acme", "prefix.dev", "authshim auth login prefix.dev"),
    ],
)
def test_channel_at_repo_is_named_at_prefix_dev_if_that_has_a_login(
    url: str, key: str, step: str
) -> None:
    login = oauth("https://prefix.dev/token")
    chain = authshim.Chain([Fixed({key: login}, (HOST, WILDCARD))])
    assert log_in_at(url, None, asks_keyring=False, chain=chain) == step
