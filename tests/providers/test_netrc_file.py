from __future__ import annotations

import netrc
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import assert_no_secret
from provider_contract import ProviderContract, assert_sentences

from authshim.credentials import BasicHTTP
from authshim.errors import ProviderError
from authshim.providers.netrc_file import NetrcFile
from authshim.urls import DEFAULT, HOST, PORT, Key

if TYPE_CHECKING:
    from pathlib import Path

Write = Callable[..., NetrcFile]
UNKNOWN_WORD = (
    "this word is none of machine, default, login, password, account, macdef; "
    "a value with blanks needs quotes"
)
ANYBODY = Key("default", DEFAULT)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a netrc and return its provider."""

    def write(content: str | bytes, **options: Any) -> NetrcFile:
        path = tmp_path / ".netrc"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return NetrcFile([str(path)], **options)

    return write


def problems(provider: NetrcFile) -> list[str]:
    """Return the problems without the path, which stands before each."""
    provider.find("h.example")
    assert_sentences(provider.problems)
    start = f"{provider.paths[0]}: "
    assert all(problem.startswith(start) for problem in provider.problems)
    return [problem[len(start) :] for problem in provider.problems]


class TestTheContract(ProviderContract):
    planted = {
        Key("h.example", HOST): BasicHTTP("ada", "s3cret-1"),
        Key("h.example:8443", PORT): BasicHTTP("bob", "s3cret-2"),
        Key("127.0.0.1", HOST): BasicHTTP("", "s3cret-3"),
        ANYBODY: BasicHTTP("guest", "s3cret-4"),
    }

    @pytest.fixture
    def provider(self, write: Write) -> NetrcFile:
        return write(
            "machine h.example login ada password s3cret-1\n"
            "machine h.example:8443\n\tlogin bob\n\tpassword s3cret-2\n"
            "machine 127.0.0.1 password s3cret-3\n"
            "default login guest password s3cret-4\n"
        )


# What is found.


def test_machine_with_a_port_answers_for_that_port_only(write: Write) -> None:
    provider = write("machine h.example:8443 login ada password p")
    assert provider.find(Key("h.example:8443", PORT)) == BasicHTTP("ada", "p")
    assert provider.find(Key("h.example", HOST)) is None
    assert provider.find(Key("h.example:443", PORT)) is None


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("H.Example", "h.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("[::1]", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
        # curl compares IPv6 addresses without their brackets.
        ("::1", "[::1]"),
    ],
)
def test_host_is_compared_as_it_is_dialled(write: Write, written: str, key: str) -> None:
    assert write(f"machine {written} login ada password p").find(key) == BasicHTTP("ada", "p")


def test_last_duplicate_machine_wins_if_no_user_is_known(write: Write) -> None:
    provider = write(
        "machine h.example login ada password 1\nmachine h.example login bob password 2"
    )
    assert provider.find("h.example") == BasicHTTP("bob", "2")


def test_login_of_a_known_user_wins(write: Write) -> None:
    provider = write(
        "machine h.example login ada password 1\n"
        "machine h.example login ada password 2\n"
        "machine h.example login bob password 3\n"
    )
    assert provider.find("h.example", "ada") == BasicHTTP("ada", "2")


def test_last_login_is_returned_if_the_user_has_none(write: Write) -> None:
    # The chain will not send it, and can say whose it found.
    provider = write(
        "machine h.example login ada password 1\nmachine h.example login bob password 2"
    )
    assert provider.find("h.example", "eve") == BasicHTTP("bob", "2")


def test_default_entry_is_found_by_its_kind_of_key_alone(write: Write) -> None:
    provider = write("default login guest password p")
    assert provider.find(ANYBODY) == BasicHTTP("guest", "p")
    assert provider.find("default") is None
    assert provider.find("h.example") is None


def test_host_of_the_name_default_is_a_host(write: Write) -> None:
    provider = write("machine default login ada password p")
    assert provider.find(Key("default", HOST)) == BasicHTTP("ada", "p")
    assert provider.find(ANYBODY) is None


def test_default_before_a_machine_does_not_hide_it(write: Write) -> None:
    # curl takes the default as soon as it meets it; the standard library and rattler do not.
    provider = write("default login guest password g\nmachine h.example login ada password p")
    assert provider.find("h.example") == BasicHTTP("ada", "p")


def test_machine_without_login_has_an_empty_one(write: Write) -> None:
    assert write("machine h.example password p").find("h.example") == BasicHTTP("", "p")


def test_machine_without_login_serves_any_user(write: Write) -> None:
    assert write("machine h.example password p").find("h.example", "ada") == BasicHTTP("ada", "p")


def test_default_without_login_serves_any_user(write: Write) -> None:
    assert write("default password p").find(ANYBODY, "ada") == BasicHTTP("ada", "p")


def test_entry_of_the_user_goes_before_one_without_login(write: Write) -> None:
    provider = write("machine h.example login ada password 1\nmachine h.example password 2")
    assert provider.find("h.example", "ada") == BasicHTTP("ada", "1")
    assert provider.find("h.example", "bob") == BasicHTTP("bob", "2")


def test_machine_without_password_has_an_empty_one(write: Write) -> None:
    assert write("machine h.example login ada").find("h.example") == BasicHTTP("ada", "")


def test_machine_with_neither_is_missing(write: Write) -> None:
    # curl does so; the standard library and rattler send ":".
    provider = write("machine h.example login ada password p\nmachine h.example\nmacdef init\nls\n")
    assert provider.find("h.example") == BasicHTTP("ada", "p")
    assert problems(provider) == []


# How it is written.

READ = {
    "over several lines": "machine h.example\n  login ada\n\n  password pass\n",
    "a value on the next line": "machine\nh.example login\nada password\n\npass",
    "CRLF": "machine h.example\r\nlogin ada\r\npassword pass\r\n",
    "tabs": "\tmachine\th.example\tlogin\tada\tpassword\tpass",
    "a byte order mark": "\ufeffmachine h.example login ada password pass",
    # curl takes keywords in any case, the standard library refuses the file.
    "capitals": "MACHINE h.example Login ada PASSWORD pass",
    # The standard library's other word for it.
    "user": "machine h.example user ada password pass",
    "an account": "machine h.example login ada account x password pass",
    "password first": "machine h.example password pass login ada",
    "a port": "machine h.example port 443 login ada password pass",
    "a protocol": "machine h.example\n  login ada\n  password pass\n  protocol https",
    "a method": "machine h.example login ada method interactive password pass",
    "login twice": "machine h.example login bob login ada password pass",
    "quotes": 'machine "h.example" login "ada" password "pass"',
    "a comment behind": (
        "machine h.example login ada password pass # machine h.example login evil password x"
    ),
    "a comment between": "machine h.example # it is\nlogin ada #mine\npassword pass",
    "a comment with a quote": "# don't \"\nmachine h.example login ada password pass",
    "a comment line where a value is due": "machine h.example login ada password\n# my own\npass",
    "two machines on a line": (
        "machine b login b password b machine h.example login ada password pass machine c"
    ),
    "a macro before": (
        "macdef init\nmachine h.example login evil\n\nmachine h.example login ada password pass"
    ),
    "a macro without end": (
        "machine h.example login ada password pass\nmacdef init\nmachine h.example login evil"
    ),
    "a macro with CRLF": "macdef init\r\nbin\r\n\r\nmachine h.example login ada password pass\r\n",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_parser_reads(write: Write, text: str) -> None:
    provider = write(text)
    assert provider.find("h.example") == BasicHTTP("ada", "pass")
    assert problems(provider) == []


PASSWORDS = {
    # The standard library and rattler keep it, curl 7.88 begins a comment.
    "#pass": "#pass",
    "#": "#",
    "pa#ss": "pa#ss",
    'pa"ss': 'pa"ss',
    '"pa ss"': "pa ss",
    '""': "",
    '"#pass"': "#pass",
    r'"pa\"ss"': 'pa"ss',
    r'"pa\\ss"': "pa\\ss",
    r'"pa\ss"': "pass",
    # curl and rattler, and the standard library before 3.11; from 3.11 on it drops the backslash.
    r"pa\ss": r"pa\ss",
    "\\": "\\",
    "pässwörd": "pässwörd",
    "pa\u00a0ss": "pa\u00a0ss",
    # A keyword on the line of its keyword is a value.
    "password": "password",
    "machine": "machine",
}


@pytest.mark.parametrize(("written", "password"), PASSWORDS.items(), ids=PASSWORDS)
def test_password_is_read_as(write: Write, written: str, password: str) -> None:
    provider = write(
        f"machine h.example login ada password {written}\nmachine b login c password d"
    )
    assert provider.find("h.example") == BasicHTTP("ada", password)
    assert provider.find("b") == BasicHTTP("c", "d")
    assert problems(provider) == []


def test_bytes_that_are_no_utf_8_are_latin_1(write: Write) -> None:
    assert write(b"machine h.example login ada password p\xe4ss").find("h.example") == BasicHTTP(
        "ada", "päss"
    )


# What is wrong costs its entry.

WRONG = {
    "an unknown keyword": (
        "machine bad login a pass s3cret",
        f"line 1: {UNKNOWN_WORD}",
    ),
    "a login with a blank": (
        "machine bad login s3cret machines password s3cret",
        f"line 1: {UNKNOWN_WORD}",
    ),
    "a password with a blank before the login": (
        "machine bad password s3cret machines login a",
        f"line 1: {UNKNOWN_WORD}",
    ),
    "no host": ("machine", "line 1: expected a host name"),
    "no host, but a comment": ("machine\n# s3cret", "line 1: expected a host name"),
    "an empty host": ('machine "" login a password s3cret', "line 1: expected a host name"),
    "a URL": (
        "machine https://bad/x login a password s3cret",
        "line 1: expected a host name, without scheme and path",
    ),
    "no login": ("machine bad\nlogin\npassword s3cret", "line 2: expected a login"),
    "no password": ("machine bad login s3cret password", "line 1: expected a password"),
    "no account": ("machine bad login a password s3cret account", "line 1: expected an account"),
    "an open quote": (
        'machine bad\nlogin a password "s3cret',
        "line 2: a quote is not closed on its line",
    ),
    "a quote that ends in a backslash": (
        'machine bad login a password "s3cret\\',
        "line 1: a quote is not closed on its line",
    ),
    "text behind a quote": (
        'machine bad login a password "s3cret"s3cret',
        "line 1: expected a blank behind the closing quote",
    ),
    "a line break in quotes": (
        'machine bad login a password "s3cret\\n"',
        "line 1: expected a password without control characters",
    ),
    "a control character": (
        "machine bad login a\0b password s3cret",
        "line 1: expected a login without control characters",
    ),
    "a quoted keyword": (
        '"machine" bad login a password s3cret',
        "line 1: expected machine, default or macdef",
    ),
    "no machine": ("login a password s3cret", "line 1: expected machine, default or macdef"),
    "JSON": ('{"bad": {"BearerToken": "s3cret"}}', "line 1: expected machine, default or macdef"),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_bad_entry_is_dropped_alone(write: Write, text: str, sentence: str, newline: str) -> None:
    before, after = "machine before login b password 1\n", "machine after login a password 2\n"
    provider = write((text + "\n" + after + before).replace("\n", newline))
    assert provider.find("bad") is None
    assert provider.find("before") == BasicHTTP("b", "1")
    assert provider.find("after") == BasicHTTP("a", "2")
    assert problems(provider) == [sentence]
    assert_no_secret(provider)


def test_bad_entries_are_reported_with_their_lines(write: Write) -> None:
    provider = write("x\ny\n\nmachine h.example foo\nlogin a\nmachine\ndefault bar\n")
    assert [problem.partition(":")[0] for problem in problems(provider)] == [
        "line 1",
        "line 4",
        "line 6",
        "line 7",
    ]


def test_bad_entry_does_not_hide_an_earlier_one_of_the_host(write: Write) -> None:
    provider = write(
        "machine h.example login ada password p\nmachine h.example login bob x password y"
    )
    assert provider.find("h.example") == BasicHTTP("ada", "p")


COMPLETE = {
    "an unknown word on its line": (1, "machine h.example login ada password pass s3cret"),
    "an unknown word on the next line": (
        4,
        "machine h.example\nlogin ada\npassword pass\ns3cret s3cret",
    ),
    "a keyword behind it": (
        1,
        "machine h.example login ada password pass two login bob password s3cret",
    ),
    "a quoted keyword": (
        2,
        'machine h.example login ada password pass\n"machine" evil login bob password s3cret',
    ),
    "a machine behind it": (
        2,
        "machine h.example login ada password pass\nthe machine evil password s3cret",
    ),
}


@pytest.mark.parametrize(("line", "text"), COMPLETE.values(), ids=COMPLETE)
def test_complete_entry_keeps_its_login_if_unknown_words_follow(
    write: Write, line: int, text: str
) -> None:
    provider = write(f"{text}\nmachine after login b password 1")
    assert provider.find("h.example") == BasicHTTP("ada", "pass")
    assert provider.find("evil") is None
    assert provider.find("after") == BasicHTTP("b", "1")
    assert problems(provider) == [f"line {line}: {UNKNOWN_WORD}"]
    assert_no_secret(provider.problems)


# What is hidden stays hidden.

HIDDEN = {
    "a comment": "# machine evil login a password b",
    # The standard library takes this one: it counts the line wrongly; see cpython#104306.
    "a comment behind a blank line": (
        "machine b login c password d\n\n# machine evil login a password b"
    ),
    "a comment without a blank": "#machine evil login a password b",
    "a comment that is indented": "machine b login c\n  # machine evil login a password b",
    # curl and the standard library take the comment's first word as the password.
    "a comment where a value is due": (
        "machine b login c password\n#\n# machine evil login a password b"
    ),
    "a comment behind a comment's lone CR": "# note\rmachine evil login a password b",
    "a quoted value": (
        'machine b login "c\\" machine evil" password "machine evil login a password b"'
    ),
    "a password with blanks": "machine b login c password my own machine evil login a password b",
    "a quoted keyword": '"machine" evil login a password b',
    "text behind a quote": 'machine b login c password "d"machine evil login a password b',
    "quotes over several lines": (
        'machine b login c password "d\nmachine evil login a password b\nmachine c\n"'
    ),
    "quotes with quotes in them": (
        'machine b login c password "d\nmachine evil login a password "b"\nmachine c\n"'
    ),
    "a macro": "macdef init\nmachine evil login a password b\n",
    "a macro with a line of blanks": "macdef init\n \nmachine evil login a password b\n",
    "a macro behind a bad entry": (
        "machine b foo bar\nmacdef init\nmachine evil login a password b\n"
    ),
    "a macro on the line of a machine": (
        "machine b login c password d macdef init\nmachine evil login a password b\n"
    ),
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_parser_finds_no_machine_in(write: Write, text: str) -> None:
    provider = write(text)
    assert provider.find("evil") is None
    assert provider.find(ANYBODY) is None


def test_open_quote_that_nothing_closes_hides_one_entry(write: Write) -> None:
    provider = write('machine b login c password "d\nmachine h.example login ada password "p w"\n')
    assert provider.find("h.example") == BasicHTTP("ada", "p w")


# The standard library reads the same.

# Without quotes and backslashes: it reads them from 3.11 on only.
# Before 3.10 it reads in the locale's encoding.
_LETTERS = "abcXYZ019!$%&=~.:-_" + ("ä€" if sys.version_info >= (3, 10) else "")
_TEXT = st.builds(
    "".join, st.tuples(st.sampled_from(_LETTERS), st.text(_LETTERS + "#", max_size=8))
)
_HOST = st.from_regex(r"[a-z]{1,5}\.example", fullmatch=True)
_GAP = st.sampled_from([" ", "\n", "\t", "\n\n", "\r\n", " \n\t"])
# Of one word: a longer comment behind a blank line fails there, or comes to life (see HIDDEN).
_LINE = st.sampled_from(["", "#comment\n", "\n#comment\n"])


@st.composite
def _netrcs(draw: st.DrawFn) -> str:
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        gap = draw(_GAP)
        host = f"machine{gap}{draw(_HOST)}" if draw(st.integers(0, 4)) else "default"
        words = draw(
            st.permutations(
                [("login", draw(_TEXT)), ("account", draw(_TEXT)), ("password", draw(_TEXT))]
            )
        )
        parts += [draw(_LINE) if sys.version_info >= (3, 11) else "", host]
        parts += [f"{draw(_GAP)}{keyword}{gap}{value}" for keyword, value in words]
        parts.append("\n")
    return "".join(parts)


@pytest.mark.unmeasured
@settings(max_examples=30)
@given(text=_netrcs())
def test_standard_library_reads_the_same(write: Write, text: str) -> None:
    provider = write(text)
    assert problems(provider) == []
    for host, (login, _, password) in netrc.netrc(provider.paths[0]).hosts.items():
        key = ANYBODY if host == "default" else Key(host, HOST)
        assert provider.find(key) == BasicHTTP(login or "", password or "")


# The file.


def test_first_file_that_exists_is_read(write: Write, tmp_path: Path) -> None:
    there = write("machine h.example login ada password p").paths[0]
    (tmp_path / "later").write_text("machine h.example login bob password x")
    provider = NetrcFile(["", str(tmp_path / "_netrc"), there, str(tmp_path / "later")])
    assert provider.name == f"netrc {there}"
    assert provider.find("h.example") == BasicHTTP("ada", "p")


def test_name_follows_the_file(tmp_path: Path) -> None:
    first, second = str(tmp_path / "_netrc"), tmp_path / ".netrc"
    provider = NetrcFile([first, str(second)])
    assert provider.name == f"netrc {first}"
    second.write_text("")
    provider.find("h.example")
    assert provider.name == f"netrc {second}"


@pytest.mark.parametrize("paths", [[], [""], ["/nowhere/.netrc"]])
def test_missing_file_has_no_credentials(paths: list[str]) -> None:
    provider = NetrcFile(paths)
    assert provider.find("h.example") is None
    assert provider.find(ANYBODY) is None
    assert provider.problems == []


def test_named_file_that_does_not_exist_is_reported_once(tmp_path: Path) -> None:
    path = str(tmp_path / "netrc")
    provider = NetrcFile([path], named=True)
    assert provider.find("h.example") is None
    assert provider.find("h.example") is None
    assert provider.problems == [f"NETRC names {path}, which does not exist"]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "\ufeff"])
def test_file_without_entries_has_no_problems(write: Write, text: str) -> None:
    assert problems(write(text)) == []


def test_null_device_switches_netrc_off() -> None:
    provider = NetrcFile([os.devnull], named=True)
    assert provider.find("h.example") is None
    assert provider.problems == []


def test_file_is_read_at_the_first_question_and_after_a_refresh(write: Write) -> None:
    provider = write("machine h.example login ada password old")
    write("machine h.example login ada password 1")
    assert provider.find("h.example") == BasicHTTP("ada", "1")
    before = provider.version()
    write("machine h.example login ada password second")
    assert provider.version() != before
    assert provider.find("h.example") == BasicHTTP("ada", "1")
    provider.refresh()
    assert provider.find("h.example") == BasicHTTP("ada", "second")


def test_problem_is_gone_with_its_cause(write: Write) -> None:
    provider = write("nonsense")
    assert len(problems(provider)) == 1
    write("")
    provider.refresh()
    assert problems(provider) == []


def test_folder_is_no_netrc_until_the_refresh(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.mkdir()
    provider = NetrcFile([str(path)])
    for _ in range(2):
        with pytest.raises(ProviderError, match="cannot read netrc") as caught:
            provider.find("h.example")
        assert caught.value.__context__ is None
    path.rmdir()
    provider.refresh()
    assert provider.find("h.example") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are not here")
def test_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProviderError, match="it is not a regular file"):
        NetrcFile([str(tmp_path / "pipe")]).find("h.example")


@pytest.mark.parametrize(
    "text", ["machine h login a password b\n", 'machine h login a" "b\n', "machine h x\n", '"']
)
def test_large_file_is_read_in_one_go(write: Write, text: str) -> None:
    # Quadratic time would be noticed here.
    provider = write(text * 20_000 + "\nmachine h.example login ada password p")
    assert provider.find("h.example") == BasicHTTP("ada", "p")


def test_file_that_cannot_be_read_has_no_logins_to_list(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="it is not a regular file"):
        NetrcFile([str(tmp_path)]).logins()


@pytest.mark.parametrize(
    ("content", "named", "passed_over"),
    [
        ("machine h.example login a\npasswrd s3cret\n", ["h.example"], ["x.example", ANYBODY]),
        ("default login a\npasswrd s3cret\n", [ANYBODY], ["h.example"]),
        ("machine h.example passwrd s3cret machine x.example\n", ["h.example", "x.example"], []),
        ("login a password s3cret\n", ["h.example", ANYBODY], []),
        ('machine h.example login "s3cret\n', ["h.example", "x.example"], []),
        ("machine h.example login a password s3cret\n", [], ["h.example", ANYBODY]),
    ],
    ids=["of a host", "of default", "a second entry", "of no entry", "an open quote", "none"],
)
def test_bad_line_is_named_for_the_keys_that_it_may_hide(
    write: Write, content: str, named: list[str], passed_over: list[str]
) -> None:
    provider = write(content)
    lines = {provider.why_not(key) for key in named}
    assert all(re.fullmatch(r"line [12] is broken", line) for line in lines)
    assert [provider.why_not(key) for key in passed_over] == [""] * len(passed_over)
