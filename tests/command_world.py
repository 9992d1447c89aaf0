"""A user with an empty home, a project in the current folder, a server and a keyring command."""

from __future__ import annotations

import json
import re
import shlex
import sys
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from servers import CHALLENGE, Answer, Names, Recorder

from authshim.cli import main

if TYPE_CHECKING:
    import pytest
    from servers import Seen

    Ask = Callable[[], "tuple[object, str]"]

SECRET = "s3cret"
HTML = {"Content-Type": "text/html"}
WHEEL = "demo-1.0-py3-none-any.whl"
DEMO = "[pypi-dependencies]\ndemo = '*'\n"
KEYRING = """
import json, pathlib, sys
if "--mode" in sys.argv:
    sys.exit("usage: keyring: unrecognized arguments: --mode")
password = json.loads(pathlib.Path(sys.argv[1]).read_text()).get(sys.argv[3])
if password is None:
    sys.exit(1)
print(password)
"""


def basic(username: str, password: str) -> str:
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def wants(*credentials: str) -> Callable[[Seen], Answer]:
    """Let in whoever sends one of these headers, or any header if there is none."""

    def answer(seen: Seen) -> Answer:
        sent = seen.authorization
        is_let_in = sent in credentials if credentials else sent is not None
        return Answer(200, b"<p>", HTML) if is_let_in else CHALLENGE

    return answer


class World:
    """A user with an empty home, a project in the current folder, and a server."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.request = request
        self.recorder: Recorder = request.getfixturevalue("recorder")
        self.capsys: pytest.CaptureFixture[str] = request.getfixturevalue("capsys")
        self.patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        self.home: Path = request.getfixturevalue("home")
        self.url = self.recorder.url
        self.keyring({})

    def __getattr__(self, name: str) -> object:
        """Return a fixture that few situations need."""
        return self.request.getfixturevalue(name)

    def project(self, *indexes: str, channels: tuple[str, ...] = (), more: str = "") -> None:
        """Write a project."""
        options = ""
        if indexes:
            *extra, last = indexes
            options = (
                f"[pypi-options]\nindex-url = '{last}'\nextra-index-urls = {json.dumps(extra)}\n"
            )
        Path("pixi.toml").write_text(
            f"[workspace]\nchannels = {json.dumps(channels)}\nplatforms = ['linux-64']\n"
            f"{options}{more}",
            encoding="utf-8",
        )

    def index(self, path: str = "/simple", host: str = "", more: str = "") -> None:
        """Write a project with one index of the server, under any host name."""
        url = self.url
        if host:
            self.serve(host.rpartition("@")[2])
            url = f"http://{host}"
        self.project(url + path, more=more)

    def serve(self, host: str, recorder: Recorder | None = None) -> None:
        """Let a server answer for a host name."""
        recorder = recorder or self.recorder
        names: Names = self.anywhere  # type: ignore[assignment]
        names(recorder, host=host)
        names(recorder, port=recorder.port)

    def keyring(self, kept: dict[str, str]) -> None:
        """Let the keyring command have the passwords of users."""
        file = self.home / "keyring.json"
        file.write_text(json.dumps(kept), encoding="utf-8")
        script = self.home / "keyring.py"
        script.write_text(KEYRING, encoding="utf-8")
        words = [sys.executable, "-I", "-S", str(script), str(file)]
        self.patch.setenv("AUTHSHIM_KEYRING_COMMAND", shlex.join(words))

    def store(self, key: str, **credential: object) -> None:
        """Keep a credential in the auth file."""
        folder = self.home / ".rattler"
        folder.mkdir(exist_ok=True)
        (folder / "credentials.json").write_text(json.dumps({key: credential}), encoding="utf-8")

    def netrc(self, text: str) -> None:
        (self.home / ".netrc").write_text(text, encoding="utf-8")

    def check(self, *options: str) -> tuple[object, str]:
        """Return the last line that ``check`` prints, and its next step."""
        self.capsys.readouterr()
        main(["check", "--json", *options])
        result = json.loads(self.capsys.readouterr().out)["results"][-1]
        return (result["answer"], result["detail"], result["next_step"]), result["next_step"]

    def run(self, *words: str) -> str:
        """Return the words that a command prints, with single blanks and without a secret."""
        self.capsys.readouterr()
        with suppress(SystemExit):  # argparse
            main([*words])
        printed = "".join(self.capsys.readouterr())
        assert SECRET not in printed
        return " ".join(printed.split())

    def ask(self, *words: str) -> Ask:
        """Return a function that runs a command, and returns its output and its next step."""

        def run() -> tuple[object, str]:
            self.capsys.readouterr()
            code = main([*words])
            printed = "".join(self.capsys.readouterr())
            steps = re.findall(r"-> (.*)", printed)
            return (code, steps), steps[-1] if steps else ""

        return run

    def get(self, words: list[str]) -> Ask:
        """Return a function that runs ``get`` with the words of the moment."""

        def run() -> tuple[object, str]:
            return self.ask("get", *words)()

        return run

    def type(self, step: str, username: str = "ada") -> None:
        """Type the command of a step, with a secret."""
        command = re.search(r"authshim (auth login .*?)(?: {3}\(|$)", step)
        assert command, step
        words = [word if word != "USER" else username for word in shlex.split(command.group(1))]
        option = "--token"
        if "--username" in words:
            option = "--password"
        if "anaconda.org" in words:
            option = "--conda-token"
        self.capsys.readouterr()
        words = [word for word in words if word != option]
        assert main([*words, option, SECRET]) == 0
        assert SECRET not in "".join(self.capsys.readouterr())
