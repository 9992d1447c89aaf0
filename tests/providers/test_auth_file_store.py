"""The auth file as a store; in tests/interop/test_login.py pixi's own library reads such a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from store_contract import StoreContract

from authshim.credentials import BearerToken
from authshim.errors import ProviderError, StoreError
from authshim.providers.auth_file import AuthFile

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = BearerToken("s3cret")
posix = pytest.mark.skipif(os.name != "posix", reason="modes and signals of POSIX")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "auth.json"
    path.touch(0o600)
    return path


class TestContract(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> AuthFile:
        return AuthFile(str(tmp_path / "new" / "auth.json"))


def test_entry_is_written_as_rattler_writes_it(tmp_path: Path) -> None:
    AuthFile(str(tmp_path / "f")).save("h.example", TOKEN)
    assert json.loads((tmp_path / "f").read_bytes()) == {"h.example": {"BearerToken": "s3cret"}}


KEPT = {
    "z.example": {"Magic": [1, None]},
    "a.example": {"BearerToken": "t\ud800"},
    "https://u": 3,
    "m": {"x": 1.5},
}


def test_entries_that_are_not_understood_stay_and_the_order_too(file: Path) -> None:
    file.write_text(json.dumps(KEPT))
    AuthFile(str(file)).save("h.example", TOKEN)
    document = json.loads(file.read_bytes())
    assert list(document) == [*KEPT, "h.example"]
    assert {key: document[key] for key in KEPT} == KEPT


def test_entry_that_is_replaced_keeps_its_place(file: Path) -> None:
    file.write_text(json.dumps(KEPT))
    AuthFile(str(file)).save("a.example", TOKEN)
    assert list(json.loads(file.read_bytes())) == list(KEPT)


def test_key_in_another_form_is_replaced_and_forgotten_with_it(file: Path) -> None:
    for change in (
        lambda store: store.save("h.example", TOKEN),
        lambda store: store.forget("h.example"),
    ):
        file.write_text(
            '{"H.Example": {"BearerToken": "old"}, "h.example": {"BearerToken": "older"}}'
        )
        change(AuthFile(str(file)))
        assert "old" not in file.read_text()


ODD = ["https://h.example/x", "*", "h.example.", "H.Example", "ada@h.example", "strange.example"]


@pytest.mark.parametrize("key", ODD)
def test_key_is_forgotten_in_the_form_in_which_it_is_written(key: str, file: Path) -> None:
    file.write_text(
        json.dumps(
            {odd: {"Magic" if odd.startswith("s") else "BearerToken": "s3cret"} for odd in ODD}
        )
    )
    store = AuthFile(str(file))
    assert list(store.keys()) == ODD
    assert store.forget(key) is True
    assert list(json.loads(file.read_bytes())) == [other for other in ODD if other != key]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"h.example": {"BearerToken": "s3cret"', "line 1: the file ends too early"),
        ("", "it is empty; write {} into it, or remove it"),
        ('["s3cret"]', "it is not a JSON object"),
        ("[" * 100_000, "its JSON is nested too deeply"),
        ('{"h": 1e999, "s": "s3cret"}', "it has a number that cannot be written back"),
    ],
)
def test_file_that_cannot_be_used_is_never_overwritten(text: str, why: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(StoreError) as caught:
        AuthFile(str(file)).save("h.example", TOKEN)
    assert str(caught.value).startswith(f"cannot write to auth file {file}: {why}")
    assert file.read_text() == text
    assert_no_secret(caught.value)


def test_forgetting_and_listing_say_that_a_file_is_broken(file: Path) -> None:
    file.write_text("s3cret")
    for ask in (
        lambda store: store.forget("h.example"),
        lambda store: store.list(),
        lambda store: store.keys(),
    ):
        with pytest.raises(ProviderError, match=r"cannot read auth file .*: line 1: ") as caught:
            ask(AuthFile(str(file)))
        assert_no_secret(caught.value)
    assert file.read_text() == "s3cret"


def test_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = AuthFile(str(tmp_path / "file" / "below" / "auth.json"))
    with pytest.raises(StoreError) as caught:
        store.save("h.example", TOKEN)
    assert str(caught.value).startswith(f"cannot write to {store.name}: ")
    assert_no_secret(caught.value)


def test_forgetting_what_is_not_there_writes_nothing(file: Path) -> None:
    file.write_text('{"h.example": {"BearerToken": "s3cret"}}')
    assert not AuthFile(str(file)).forget("other.example")
    assert not AuthFile(str(file) + "-none").forget("other.example")
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@posix
def test_file_that_others_can_read_is_reported(file: Path) -> None:
    file.write_text('{"h.example": {"BearerToken": "s3cret"}}')
    file.chmod(0o644)
    store = AuthFile(str(file))
    store.list()
    assert store.problems == [f"{file}: others can read it: chmod 600 {file}"]
    store.save("h.example", TOKEN)
    assert store.problems == [f"{file}: others could read it until now"]
    store.refresh()
    store.list()
    assert store.problems == []


def test_listing_tells_of_entries_that_are_no_credentials(file: Path) -> None:
    file.write_text('{"a.example": {"Magic": "s3cret"}, "B.example": {"BearerToken": "s3cret"}}')
    store = AuthFile(str(file))
    assert dict(store.list()) == {"b.example": TOKEN}
    assert store.problems == [f"{file}: a.example: is of a kind that authshim does not know"]


MANY = """\
import sys
from authshim.credentials import BearerToken
from authshim.providers.auth_file import AuthFile
path, own = sys.argv[1:]
for number in range(6):
    AuthFile(path).save(f"{own}-{number}.example", BearerToken("s3cret"))
    if number % 2:
        assert AuthFile(path).forget(f"{own}-{number}.example")
"""


@pytest.mark.slow("it starts sixteen processes")
def test_sixteen_processes_at_once_lose_no_entry(file: Path) -> None:
    file.write_text('{"kept.example": {"Magic": 1}}')
    children = [
        subprocess.Popen([sys.executable, "-c", MANY, str(file), f"p{own}"]) for own in range(16)
    ]
    assert [child.wait(120) for child in children] == [0] * 16
    expected = {f"p{own}-{number}.example" for own in range(16) for number in (0, 2, 4)}
    assert set(json.loads(file.read_bytes())) == expected | {"kept.example"}


KILLED = """\
import json, os, random, signal, sys, time
from authshim.credentials import BearerToken
from authshim.providers.auth_file import AuthFile
import filelock
path, times = sys.argv[1], int(sys.argv[2])
texts = {name: BearerToken(name * 20_000) for name in "ab"}
AuthFile(path).save("h.example", texts["a"])
whole = {name: {"h.example": text.to_json()} for name, text in texts.items()}
seen = set()
number = 0
while number < times or (len(seen) < 2 and number < 20 * times):
    number += 1
    child = os.fork()
    if child == 0:
        while True:
            for text in texts.values():
                AuthFile(path).save("h.example", text)
    # A slow machine writes little in a hundredth of a second, so the later tries wait longer.
    time.sleep(random.uniform(0.001, 0.01) * (1 + number / times))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(path) as file:
        document = json.load(file)
    seen.update(name for name in whole if whole[name] == document)
    assert document in whole.values(), number
AuthFile(path).save("next.example", texts["a"])
assert set(json.load(open(path))) == {"h.example", "next.example"}
print(*sorted(seen), *sorted(os.listdir(os.path.dirname(path))))
"""


@pytest.mark.slow("it starts and kills a process again and again")
@posix
def test_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / "f"), "200"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert (ended.stdout, ended.stderr) == ("a b f f.lock\n", "")


def test_file_that_is_opened_to_others_again_and_again_is_reported_once(tmp_path: Path) -> None:
    file = AuthFile(str(tmp_path / "auth.json"))
    file.save("h.example", BearerToken("s3cret"))
    (tmp_path / "auth.json").chmod(0o644)
    for _ in range(2):
        file.list()
    assert [problem.partition(": ")[2].partition(":")[0] for problem in file.problems] == [
        "others can read it"
    ]
