"""Whoever follows the next step of a command gets another answer.

Each ``Template`` of ``authshim.next_step`` has a situation here. It shows the step and follows it.
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Callable

import pytest
from aws import Keys, use_botocore, without_botocore
from buckets import declare, error, keep_keys
from command_world import DEMO, HTML, SECRET, WHEEL, World, basic, wants
from servers import CHALLENGE, Answer, Recorder, redirect

import authshim
from authshim import next_step
from authshim.cli import main
from authshim.errors import ProviderError
from authshim.next_step import TEMPLATES, Template
from authshim.oauth.login_flow import Login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_world import Ask
    from servers import Authority, Seen

    Situation = Callable[["World"], "Iterator[Ask | None]"]

SIGNED = "X-Amz-Signature={}&X-Amz-Credential=b&X-Amz-Date=c&X-Amz-Algorithm=d"


def by_login(known: int, unknown: int) -> Callable[[Seen], Answer]:
    """Answer with one status to whoever sends a credential, and with another to the rest."""
    return lambda seen: Answer(known if seen.authorization else unknown)


SITUATIONS: dict[Template, list[Situation]] = {}


def follows(template: Template) -> Callable[[Situation], Situation]:
    """Register a situation: it yields a question, takes its step, and follows that."""

    def register(situation: Situation) -> Situation:
        SITUATIONS.setdefault(template, []).append(situation)
        return situation

    return register


def pattern(template: Template) -> str:
    """Return a regular expression for the steps that a template makes."""
    parts = re.split(r"\{\w+\}", template.text)
    return ".*".join(map(re.escape, parts))


def cases() -> list[object]:
    return [
        pytest.param(template, situation, id=situation.__name__)
        for template, situations in SITUATIONS.items()
        for situation in situations
    ]


# A login


@follows(next_step.LOG_IN)
def log_in(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.index()
    step = yield world.check
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_to_the_auth_file_of_an_option(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.index()
    step = yield lambda: world.check("--auth-file", "ours.json")
    world.type(step)
    assert "127.0.0.1" in Path("ours.json").read_text(encoding="utf-8")


@follows(next_step.LOG_IN)
def log_in_to_the_auth_file_of_a_variable(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.index()
    world.patch.setenv("RATTLER_AUTH_FILE", "ours.json")
    step = yield world.check
    assert "--auth-file ours.json" in step
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_to_the_auth_file_of_a_project(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.index()
    Path(".pixi").mkdir()
    file = Path("their own.json").absolute()
    line = f"authentication-override-file = {json.dumps(str(file))}\n"
    Path(".pixi/config.toml").write_text(line, encoding="utf-8")
    step = yield world.check
    world.type(step)
    assert file.exists()


@follows(next_step.LOG_IN)
def log_in_at_a_port_beside_another(world: World) -> Iterator[Ask | None]:
    other = world.make_recorder()  # type: ignore[operator]
    world.recorder.default = wants()
    world.project(f"{other.url}/simple", f"{world.url}/simple")
    step = yield world.check
    assert f"auth login 127.0.0.1:{world.recorder.port} " in step
    assert "pixi reads no key with a port" in step
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_at_a_path_beside_another(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.project(f"{world.url}/a/simple", f"{world.url}/b/simple")
    step = yield world.check
    assert "auth login 127.0.0.1/b " in step
    assert "if one login serves all of 127.0.0.1, log in at 127.0.0.1)" in step
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_with_the_user_whose_keyring_is_off(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    (world.home / ".pixi").mkdir()
    config = world.home / ".pixi/config.toml"
    config.write_text('[pypi-config]\nkeyring-provider = "disabled"\n', encoding="utf-8")
    world.project(f"{world.url.replace('://', '://ada@')}/simple")
    step = yield world.check
    assert "--username ada" in step
    assert f'the keyring command is off: keyring-provider = "disabled" in {config}:2' in step
    world.type(step, "nobody")


@follows(next_step.LOG_IN)
def log_in_again_after_a_rejection(world: World) -> Iterator[Ask | None]:
    world.store("127.0.0.1", BasicHTTP={"username": "ada", "password": "old"})
    world.recorder.default = wants(basic("ada", SECRET))
    world.index()
    step = yield world.check
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_for_explain(world: World) -> Iterator[Ask | None]:
    step = yield world.ask("explain", f"{world.url}/x")
    world.type(step)


@follows(next_step.LOG_IN)
def log_in_for_get(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    step = yield world.ask("get", f"{world.url}/x.txt", "-o", "x")
    world.type(step)


@follows(next_step.LOG_IN_AT_ANACONDA)
def log_in_at_anaconda(world: World) -> Iterator[Ask | None]:
    world.recorder.on("/t/*", Answer())
    world.recorder.default = CHALLENGE
    world.serve("conda.anaconda.org")
    world.project(channels=("http://conda.anaconda.org/acme",))
    step = yield world.check
    world.type(step)


def at_prefix_dev(world: World, host: str) -> None:
    world.recorder.on("/api/graphql", Answer(200, b'{"data": {"viewer": {"login": "ada"}}}'))
    world.recorder.default = wants(f"Bearer {SECRET}")
    world.patch.setenv("PREFIX_DEV_API_URL", world.url)
    world.serve(host)
    world.project(channels=(f"http://{host}/acme",))


@follows(next_step.LOG_IN_AT_PREFIX_DEV)
def log_in_at_prefix_dev(world: World) -> Iterator[Ask | None]:
    at_prefix_dev(world, "prefix.dev")
    step = yield world.check
    world.type(step)


@follows(next_step.LOG_IN_AT_PREFIX_DEV_BY_TOKEN)
def log_in_at_the_other_host_of_prefix_dev(world: World) -> Iterator[Ask | None]:
    login = {"access_token": "s3cret-of-the-host", "client_id": "rattler"}
    login["token_endpoint"] = "https://prefix.dev/token"
    world.store("prefix.dev", OAuth=login)
    at_prefix_dev(world, "repo.prefix.dev")
    step = yield world.check
    assert "the login for prefix.dev is for prefix.dev alone, in pixi too" in step
    world.type(step)


@follows(next_step.LOG_IN_BY_OAUTH)
def log_in_by_oauth_again(world: World) -> Iterator[Ask | None]:
    endpoint = f"{world.url}/token"
    old = {"access_token": "old", "client_id": "me", "token_endpoint": endpoint}
    world.store("127.0.0.1", OAuth=old)
    world.recorder.default = wants(f"Bearer {SECRET}")
    world.index()
    step = yield world.check
    words = shlex.split(step)[1:]
    assert words[:4] == ["auth", "login", "127.0.0.1", "--oauth"]
    new = authshim.OAuth(SECRET, None, None, endpoint, None, "me")
    login = Login(new, "ada")
    world.patch.setattr("authshim.cli.oauth_login.log_in", lambda *_: login)
    assert main(words) == 0


@follows(next_step.STORE_IN_KEYRING)
def store_in_the_keyring(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.keyring({f"{world.url}/simple": "old"})
    world.project(f"{world.url.replace('://', '://ada@')}/simple")
    step = yield world.check
    words = shlex.split(step)
    assert words == ["keyring", "set", f"{world.url}/simple", "ada"]
    world.keyring({words[2]: SECRET})


@follows(next_step.LOG_IN_OR_CORRECT_SECRET)
def store_the_password_of_a_user(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.project(f"{world.url.replace('://', '://ada@')}/simple")
    step = yield world.check
    words = shlex.split(step.partition("   (")[0])
    world.keyring({words[2]: SECRET})


@follows(next_step.LOG_IN_OR_CORRECT_SECRET)
def write_a_secret_with_a_colon(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("my-secret", ""))
    url = f"{world.url.replace('://', '://my-secret@')}/simple"
    world.project(url)
    step = yield world.check
    assert step.endswith("write my-secret:@ in the URL)")
    world.project(url.replace("@", ":@"))


def uv_project(world: World) -> None:
    """Write a uv project whose index has the name "acme"."""
    index = f"[[tool.uv.index]]\nname = 'acme'\nurl = '{world.url}/simple'\ndefault = true\n"
    Path("pyproject.toml").write_text(f"[project]\nname = 'x'\n{index}", encoding="utf-8")


@follows(next_step.SET_PASSWORD)
def set_the_password_of_an_index(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.patch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    uv_project(world)
    step = yield world.check
    assert step.startswith("set UV_INDEX_ACME_PASSWORD, or: ")
    world.patch.setenv("UV_INDEX_ACME_PASSWORD", SECRET)


@follows(next_step.SET_USERNAME)
def set_the_username_of_an_index(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.patch.setenv("UV_INDEX_ACME_PASSWORD", SECRET)
    uv_project(world)
    step = yield world.check
    assert step.startswith("set UV_INDEX_ACME_USERNAME: ")
    world.patch.setenv("UV_INDEX_ACME_USERNAME", "ada")


@follows(next_step.CORRECT_URL_OR_LOG_IN)
def log_in_where_a_404_hides_an_index(world: World) -> Iterator[Ask | None]:
    world.recorder.default = by_login(200, 404)
    world.index()
    step = yield world.check
    world.type(step)


# A bucket


def a_bucket(world: World, region: str = "eu") -> None:
    """Write a project with a bucket, which lets in whoever signs for the region "eu"."""
    without_botocore(world.patch)
    declare(world.url, region=region)
    malformed = error(400, "AuthorizationHeaderMalformed", x_amz_bucket_region="eu")
    world.recorder.default = lambda seen: (  # type: ignore[assignment]
        Answer() if "/eu/s3/" in str(seen.authorization) else malformed
    )


@follows(next_step.LOG_IN_AT_BUCKET)
def log_in_at_a_bucket(world: World) -> Iterator[Ask | None]:
    a_bucket(world)
    step = yield world.check
    words = shlex.split(step.partition("   (")[0])[1:]
    assert main([*words, "--s3-secret-access-key", SECRET]) == 0


@follows(next_step.DECLARE_BUCKET)
def declare_a_bucket(world: World) -> Iterator[Ask | None]:
    a_bucket(world)
    keep_keys(world.home)
    text = Path("pixi.toml").read_text(encoding="utf-8")
    Path("pixi.toml").write_text(text.partition("[workspace.s3")[0], encoding="utf-8")
    step = yield world.check
    assert step.startswith("add [workspace.s3-options.bucket] ")
    declare(world.url)


@follows(next_step.NAME_BUCKET)
def ask_for_a_bucket_oneself(world: World) -> Iterator[Ask | None]:
    a_bucket(world)
    keep_keys(world.home)
    named = ["--named-by", "https://h.example/"]

    def ask() -> tuple[object, str]:
        return world.ask("explain", "s3://bucket/x", *named)()

    yield ask
    named.clear()


@follows(next_step.CORRECT_REGION)
def correct_the_region_of_a_bucket(world: World) -> Iterator[Ask | None]:
    a_bucket(world, region="us")
    keep_keys(world.home)
    step = yield world.check
    assert step.startswith("correct the region in [workspace.s3-options.bucket] in ")
    declare(world.url)


@follows(next_step.RENEW_AT_AWS)
def renew_the_keys_of_aws(world: World) -> Iterator[Ask | None]:
    a_bucket(world)
    use_botocore(world.patch, Keys("old", SECRET), endpoint=world.url, region="eu")
    expired = error(403, "InvalidAccessKeyId")
    world.recorder.default = lambda seen: (
        expired if "=old/" in str(seen.authorization) else Answer()
    )  # type: ignore[assignment]
    yield world.check
    use_botocore(world.patch, Keys("new", SECRET), endpoint=world.url, region="eu")


@follows(next_step.SET_CLOCK)
def set_the_clock(world: World) -> Iterator[Ask | None]:
    a_bucket(world)
    keep_keys(world.home)
    world.recorder.default = error(403, "RequestTimeTooSkewed")
    yield world.check
    world.recorder.default = Answer()


@follows(next_step.INSTALL_S3)
def install_the_extra_for_buckets(world: World) -> Iterator[Ask | None]:
    from authshim.transport import s3

    a_bucket(world)
    keep_keys(world.home)
    with world.patch.context() as patch:
        patch.setitem(sys.modules, "requests_aws4auth", None)
        s3._signer.cache_clear()
        yield world.check
    s3._signer.cache_clear()


# The login of a vendor's program

GOOGLE = "eu-python.pkg.dev"
GOOGLE_USER = "oauth2accesstoken"


@follows(next_step.LOG_IN_AT_VENDOR)
def log_in_at_a_vendor(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic(GOOGLE_USER, SECRET))
    world.index("/p/r/simple", host=f"{GOOGLE_USER}@{GOOGLE}")
    step = yield world.check
    assert step.startswith("gcloud auth login ")
    world.keyring({f"http://{GOOGLE}/p/r/simple": SECRET})


@follows(next_step.NAME_USER_OF_VENDOR)
def name_the_user_of_a_vendor(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic(GOOGLE_USER, SECRET))
    world.index("/p/r/simple", host=GOOGLE)
    step = yield world.check
    assert step.startswith(f"write {GOOGLE_USER}@ before {GOOGLE} ")
    world.keyring({f"http://{GOOGLE}/p/r/simple": SECRET})
    world.index("/p/r/simple", host=f"{GOOGLE_USER}@{GOOGLE}")


@follows(next_step.NAME_USER_FOR_TOKEN)
def name_the_user_of_a_vendor_in_place_of_a_token(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic(GOOGLE_USER, SECRET))
    world.index("/p/r/simple", host=f"glpat-{SECRET}xxxxxxxxxxxxxx@{GOOGLE}")
    yield world.check
    world.keyring({f"http://{GOOGLE}/p/r/simple": SECRET})
    world.index("/p/r/simple", host=f"{GOOGLE_USER}@{GOOGLE}")


# An obstacle


@follows(next_step.UNLOCK_KEYCHAIN)
def unlock_the_keychain(world: World) -> Iterator[Ask | None]:
    from authshim.providers.keychain_backends import LOCKED
    from authshim.providers.os_keychain import OSKeychain

    def is_locked(self: OSKeychain, key: str, username: str | None = None) -> None:
        raise ProviderError(self.name, LOCKED)

    world.patch.delenv("PYTHON_KEYRING_BACKEND")
    world.patch.setattr(OSKeychain, "find", is_locked)
    world.recorder.default = wants()
    world.index()
    yield world.check
    ada = authshim.BasicHTTP("ada", SECRET)
    world.patch.setattr(OSKeychain, "find", lambda *_: ada)


@follows(next_step.MEND_LINE)
def mend_a_line(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.netrc(f"machine 127.0.0.1\nlogin ada\npasswrd {SECRET}\n")
    world.index()
    step = yield world.check
    found = re.fullmatch(rf"mend {world.home / '.netrc'} line (\d+) first", step)
    assert found is not None
    number = int(found[1])
    lines = (world.home / ".netrc").read_text(encoding="utf-8").splitlines()
    assert "passwrd" in lines[number - 1]
    world.netrc("\n".join(lines).replace("passwrd", "password"))


@follows(next_step.MEND_OBSTACLE)
def mend_an_entry_of_an_unknown_kind(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.store("127.0.0.1", Passkey={"token": SECRET})
    world.index()
    yield world.check
    world.store("127.0.0.1", BearerToken=SECRET)


# A credential that is refused


@follows(next_step.CORRECT_USERINFO)
def correct_the_userinfo(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    url = f"{world.url.replace('://', '://ada:old@')}/simple"
    world.project(url)
    yield world.check
    world.project(url.replace("old", SECRET))


@follows(next_step.ALLOW_LOGINS)
def allow_a_login(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants()
    world.netrc(f"machine 127.0.0.1 login ada password {SECRET}\n")
    index = f"[project]\nname = 'x'\n[[tool.uv.index]]\nname = 'acme'\nurl = '{world.url}/simple'\n"
    never = 'authenticate = "never"'
    Path("pyproject.toml").write_text(f"{index}default = true\n{never}\n", encoding="utf-8")
    step = yield world.check
    assert step.startswith(f"take out {never} in ")
    Path("pyproject.toml").write_text(f"{index}default = true\n", encoding="utf-8")


@follows(next_step.CORRECT_LOGIN)
def correct_the_variable_of_an_index(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.patch.setenv("UV_INDEX_ACME_USERNAME", "ada")
    world.patch.setenv("UV_INDEX_ACME_PASSWORD", "old")
    uv_project(world)
    step = yield world.check
    assert "UV_INDEX_ACME" in step
    world.patch.setenv("UV_INDEX_ACME_PASSWORD", SECRET)


@follows(next_step.CORRECT_ENTRY)
def correct_an_entry(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.netrc("machine 127.0.0.1 login ada password old\n")
    world.index()
    step = yield world.check
    assert step == f"correct the entry for 127.0.0.1 in netrc {world.home / '.netrc'}"
    world.netrc(f"machine 127.0.0.1 login ada password {SECRET}\n")


@follows(next_step.CORRECT_TOKEN)
def take_a_token_out(world: World) -> Iterator[Ask | None]:
    world.recorder.default = wants(basic("ada", SECRET))
    world.project(f"{world.url.replace('://', '://glpat-xxxxxxxxxxxxxxxxxxxx@')}/simple")
    step = yield world.check
    world.index()
    world.type(step)


@follows(next_step.GET_SIGNED_URL)
def get_a_new_signature(world: World) -> Iterator[Ask | None]:
    world.recorder.default = Answer(403)
    world.recorder.on("/y", Answer())
    urls = [f"{world.url}/x?{SIGNED.format('old')}"]
    yield world.get(urls)
    urls[0] = f"{world.url}/y?{SIGNED.format('new')}"


@follows(next_step.GET_URL_SIGNED_AGAIN)
def let_the_index_sign_again(world: World) -> Iterator[Ask | None]:
    signed = f"{world.url}/y?{SIGNED}"
    world.recorder.on("/x", redirect(signed.format("old")), redirect(signed.format("new")))
    world.recorder.on("/y", Answer(403), Answer())
    yield world.ask("get", f"{world.url}/x")


# A permission


def forbids(world: World, path: str, host: str = "") -> None:
    """Let the server know the user, who may not read."""
    world.recorder.default = by_login(403, 401)
    world.store(host or "127.0.0.1", BasicHTTP={"username": "ada", "password": SECRET})
    world.index(path, host=host)


def let_read(world: World) -> None:
    world.recorder.default = Answer(200, b"<p>", HTML)


@follows(next_step.ASK_OWNER)
def ask_the_owner(world: World) -> Iterator[Ask | None]:
    forbids(world, "/simple")
    world.recorder.on("/simple", Answer())
    yield world.check
    let_read(world)


@follows(next_step.ASK_OWNER_AT_GOOGLE)
def ask_the_owner_at_google(world: World) -> Iterator[Ask | None]:
    tls = https_index(world, "eu-python.pkg.dev", "/p/r/simple")
    step = yield world.check
    assert "add-iam-policy-binding r --project=p --location=eu " in step
    tls.default = Answer(200, b"<p>", HTML)


@follows(next_step.ASK_OWNER_AT_AZURE)
def ask_the_owner_at_azure(world: World) -> Iterator[Ask | None]:
    tls = https_index(world, "pkgs.dev.azure.com", "/o/_packaging/f/pypi/simple")
    step = yield world.check
    assert "the feed f " in step
    tls.default = Answer(200, b"<p>", HTML)


AWS = "acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com"


@follows(next_step.ASK_OWNER_AT_AWS)
def ask_the_owner_at_aws(world: World) -> Iterator[Ask | None]:
    tls = https_index(world, AWS, "/pypi/store/simple")
    step = yield world.check
    assert step.endswith("on store")
    tls.default = Answer(200, b"<p>", HTML)


@follows(next_step.DESCRIBE_AT_AWS)
def describe_a_repository_at_aws(world: World) -> Iterator[Ask | None]:
    tls = https_index(world, AWS, "/pypi/stor/simple", status=404)
    step = yield world.check
    assert "--repository stor --region eu-west-1" in step
    tls.on("/pypi/store/*", Answer(200, b"<p>", HTML))
    world.project(f"https://{AWS}/pypi/store/simple", more=DEMO)


def https_index(world: World, host: str, path: str, status: int = 403) -> Recorder:
    """Write a project with an index of a vendor, which answers who is known with a status."""
    authority: Authority = world.authority  # type: ignore[assignment]
    tls: Recorder = world.tls_recorder  # type: ignore[assignment]
    world.patch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    world.serve(host, tls)
    world.store(host, BasicHTTP={"username": "ada", "password": SECRET})
    real = basic("ada", SECRET)
    tls.default = lambda seen: Answer(  # type: ignore[assignment]
        status if seen.authorization == real else 401
    )
    world.project(f"https://{host}{path}", more=DEMO)
    return tls


@follows(next_step.ASK_OWNER_OR_LOG_IN)
def log_in_as_somebody_else(world: World) -> Iterator[Ask | None]:
    forbids(world, "/simple")
    world.project(f"{world.url}/simple", more=DEMO)
    step = yield world.ask("resolve")
    world.recorder.default = lambda seen: (  # type: ignore[assignment]
        Answer(404) if seen.authorization == basic("bob", SECRET) else Answer(403)
    )
    world.type(step.replace("--username ada", "--username bob"))


# A host that only a server named


def with_files_elsewhere(world: World, files: Recorder, scheme: str) -> None:
    """Write a project whose index lists a file on another host, which wants a login."""
    world.serve("files.example", files)
    world.serve("index.example")
    page = f'<a href="{scheme}://files.example/{WHEEL}">demo</a>'.encode()
    world.recorder.default = Answer(200, page, HTML)
    files.default = wants()
    world.project("http://index.example/simple", more=DEMO)


@follows(next_step.ALLOW_HTTP)
def declare_a_host_of_files(world: World) -> Iterator[Ask | None]:
    files: Recorder = world.make_recorder()  # type: ignore[operator]
    with_files_elsewhere(world, files, "http")
    world.store("files.example", BasicHTTP={"username": "ada", "password": SECRET})
    step = yield world.check
    origin = step.split()[1]
    world.project(origin, "http://index.example/simple", more=DEMO)


@follows(next_step.ASK_ABOUT_HOST)
def ask_about_a_host_of_files(world: World) -> Iterator[Ask | None]:
    authority: Authority = world.authority  # type: ignore[assignment]
    files: Recorder = world.tls_recorder  # type: ignore[assignment]
    world.patch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    with_files_elsewhere(world, files, "https")
    yield world.check
    files.default = Answer()


# The project and pixi's configuration


@follows(next_step.CORRECT_URL)
def correct_a_url_that_redirects_for_ever(world: World) -> Iterator[Ask | None]:
    world.recorder.on("/old/*", lambda seen: redirect(f"{seen.path}x"))
    world.index("/old/simple")
    yield world.check
    world.index()


@follows(next_step.CORRECT_URL_OR_ASK_OWNER)
def correct_a_url_that_is_not_found(world: World) -> Iterator[Ask | None]:
    world.store("127.0.0.1", BearerToken=SECRET)
    world.recorder.on("/old/*", Answer(404))
    world.index("/old/simple", more=DEMO)
    yield world.check
    world.index()


@follows(next_step.CORRECT_URL_OR_ASK)
def correct_a_url_without_a_page(world: World) -> Iterator[Ask | None]:
    world.recorder.on("/old/*", Answer(200, b"{", {"Content-Type": "application/json"}))
    world.index("/old/simple")
    yield world.check
    world.recorder.default = Answer(200, b"<p>", HTML)
    world.index()


@follows(next_step.ASK_ABOUT_FILES)
def ask_about_files_that_are_missing(world: World) -> Iterator[Ask | None]:
    world.recorder.on("/files/*", Answer(404))
    world.recorder.default = Answer(200, f'<a href="/files/{WHEEL}">demo</a>'.encode(), HTML)
    world.index(more=DEMO)
    yield world.check
    world.recorder.on("/files/*", Answer())


@follows(next_step.FILL_IN)
def fill_in_a_placeholder(world: World) -> Iterator[Ask | None]:
    world.index("/<name>/simple")
    step = yield world.check
    assert step == "fill in <name> in the index's URL"
    world.index("/acme/simple")


@follows(next_step.CORRECT_MIRRORS)
def correct_the_mirrors(world: World) -> Iterator[Ask | None]:
    config = world.home / ".pixi/config.toml"
    config.parent.mkdir()
    config.write_text('[mirrors]\n"http://h.example" = []\n', encoding="utf-8")
    world.project(channels=("http://h.example/acme",))
    step = yield world.check
    assert step == f"correct [mirrors] in {config}"
    config.write_text(f'[mirrors]\n"http://h.example" = ["{world.url}"]\n', encoding="utf-8")


@follows(next_step.CORRECT_FIND_LINKS)
def correct_a_folder_of_links(world: World) -> Iterator[Ask | None]:
    world.recorder.default = Answer(200, b"<p>", HTML)
    world.index(more=f"find-links = [{{path = 'wheels'}}]\n{DEMO}")
    yield world.ask("resolve")
    Path("wheels").mkdir()
    Path("wheels", WHEEL).touch()


@follows(next_step.CHECK)
def check_an_index_without_packages(world: World) -> Iterator[Ask | None]:
    world.recorder.default = Answer(404)
    world.index(more=DEMO)
    questions = [world.ask("resolve"), world.ask("check")]

    def ask() -> tuple[object, str]:
        return questions.pop(0)()

    yield ask


# The network


@follows(next_step.TRY_LATER)
def try_later(world: World) -> Iterator[Ask | None]:
    world.recorder.default = Answer(503)
    world.index()
    yield world.check
    world.recorder.default = Answer()


@follows(next_step.TRY_LATER_OR_CHECK_NETWORK)
def try_a_slow_server_later(world: World) -> Iterator[Ask | None]:
    done = Event()
    world.recorder.on("/slow/*", lambda _: done.wait(60) and None)
    world.index("/slow/simple")
    with world.patch.context() as patch:
        patch.setattr("authshim.transport.failures.TIMEOUT", (5, 0.05))
        yield world.check
    done.set()
    world.recorder.on("/slow/*", Answer())


@follows(next_step.TRY_LATER_OR_TELL_OWNER)
def tell_the_owner_of_a_broken_page(world: World) -> Iterator[Ask | None]:
    world.recorder.default = Answer(200, b"no gzip", {**HTML, "Content-Encoding": "gzip"})
    world.index()
    yield world.check
    headers = {**HTML, "Content-Encoding": "gzip"}
    world.recorder.default = Answer(200, gzip.compress(b"<p>"), headers)


@follows(next_step.CHECK_NAME)
def correct_a_host_name(world: World) -> Iterator[Ask | None]:
    import socket

    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror

    world.project("http://h.example/simple")
    with world.patch.context() as patch:
        patch.setattr("urllib3.util.connection.create_connection", resolve)
        yield world.check
    world.index()


@follows(next_step.CHECK_PORT)
def correct_a_port(world: World) -> Iterator[Ask | None]:
    world.project("http://127.0.0.1:1/simple")
    yield world.check
    world.index()


@follows(next_step.CHECK_SCHEME)
def correct_a_scheme(world: World) -> Iterator[Ask | None]:
    tls: Recorder = world.tls_recorder  # type: ignore[assignment]
    authority: Authority = world.authority  # type: ignore[assignment]
    world.patch.setenv("REQUESTS_CA_BUNDLE", authority.file)
    world.project(tls.url.replace("https", "http"))
    yield world.check
    world.project(tls.url)


@follows(next_step.CHECK_PROXY)
def correct_a_proxy(world: World) -> Iterator[Ask | None]:
    world.patch.setenv("http_proxy", "http://127.0.0.1:1")
    world.index()
    step = yield world.check
    assert step == "check http_proxy"
    world.patch.delenv("http_proxy")


@follows(next_step.CORRECT_URL_OR_PROXY)
def correct_a_url_that_redirects_nowhere(world: World) -> Iterator[Ask | None]:
    world.recorder.on("/old/*", redirect("http://[h/"))
    world.index("/old/simple")
    yield world.check
    world.index()


@follows(next_step.LOG_IN_AT_PROXY)
def log_in_at_a_proxy(world: World) -> Iterator[Ask | None]:
    proxy: Recorder = world.make_recorder()  # type: ignore[operator]
    proxy.default = lambda seen: Answer(  # type: ignore[assignment]
        200 if "Proxy-Authorization" in seen.headers else 407
    )
    world.patch.setenv("http_proxy", proxy.url)
    world.project("http://h.example/simple")
    step = yield world.check
    assert step == "write user:password@ into http_proxy"
    world.patch.setenv("http_proxy", proxy.url.replace("://", f"://ada:{SECRET}@"))


def over_tls(world: World) -> Authority:
    """Write a project with an index that only one authority knows."""
    tls: Recorder = world.tls_recorder  # type: ignore[assignment]
    world.project(f"{tls.url}/simple")
    return world.authority  # type: ignore[return-value]


@follows(next_step.ADD_CA)
def add_an_authority(world: World) -> Iterator[Ask | None]:
    import certifi

    authority = over_tls(world)
    bundle = world.home / "ca.pem"
    bundle.write_text(Path(certifi.where()).read_text(encoding="utf-8"), encoding="utf-8")
    world.patch.setenv("SSL_CERT_FILE", str(bundle))
    step = yield world.check
    assert step == f"add your company's CA to {bundle}, which SSL_CERT_FILE names"
    with bundle.open("a", encoding="utf-8") as file:
        file.write(Path(authority.file).read_text(encoding="utf-8"))


@follows(next_step.NAME_CA)
def name_an_authority(world: World) -> Iterator[Ask | None]:
    authority = over_tls(world)
    world.patch.setenv("PIP_CERT", authority.file)
    step = yield world.check
    variable, file = re.fullmatch(r"set (\w+) to (.*)", step).groups()  # type: ignore[union-attr]
    world.patch.setenv(variable, file)


@follows(next_step.CORRECT_CA)
def correct_the_file_of_authorities(world: World) -> Iterator[Ask | None]:
    authority = over_tls(world)
    world.patch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    step = yield world.check
    world.patch.setenv(step.split()[1], authority.file)


# A download


@follows(next_step.RUN_AGAIN)
def run_a_check_again(world: World) -> Iterator[Ask | None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    world.index()
    with world.patch.context() as patch:
        patch.setattr("authshim.index.check.Check.run", interrupt)
        yield world.check


@follows(next_step.RUN_AGAIN_OR_GET_URL)
def run_a_download_again_after_a_wrong_hash(world: World) -> Iterator[Ask | None]:
    from hashlib import sha256

    world.recorder.on("/x", Answer(200, b"bad"), Answer(200, b"good"))
    yield world.ask("get", f"{world.url}/x#sha256={sha256(b'good').hexdigest()}")


@follows(next_step.NAME_OTHER_FILE)
def name_another_file(world: World) -> Iterator[Ask | None]:
    Path("folder").mkdir()
    words = [f"{world.url}/x", "-o", "folder"]
    yield world.get(words)
    words[2] = "file"


@pytest.mark.parametrize(("template", "situation"), cases())
def test_next_step_changes_the_answer(
    template: Template, situation: Situation, request: pytest.FixtureRequest
) -> None:
    world = World(request)
    follower = situation(world)
    ask = next(follower)
    assert ask is not None
    before, step = ask()
    assert re.fullmatch(pattern(template), step)
    with pytest.raises(StopIteration):
        follower.send(step)  # type: ignore[attr-defined]
    after, _ = ask()
    assert after != before
    assert SECRET not in "".join(world.capsys.readouterr())


OF_SESSIONS = {next_step.WRITE_BY_AWS}
"""The steps that an exception of a session names, and that no command prints."""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.text[:40])
def test_next_step_has_a_situation(template: Template) -> None:
    assert (template in SITUATIONS) is not (template in OF_SESSIONS)
