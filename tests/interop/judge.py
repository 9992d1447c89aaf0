"""The judge: what would pixi send here, and what does authshim send?

Both get the same home, the same environment and the same URL. ``http_proxy`` leads both to one
server, which thus answers for every host name without DNS. A few words describe the request there:
``Bearer tok``, ``Basic ada:pw``, ``/t/tk before the path``, ``nothing``, or ``no request`` if the
program refused to send one.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

import needs
from servers import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servers import Recorder, Seen

REPODATA = Answer(200, b'{"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {}}')
PAGE = "/noarch/repodata.json"
CHILD = Path(__file__).with_name("rattler_child.py")


class Situation(NamedTuple):
    """A home, an environment and a channel; and what is sent there."""

    title: str
    url: str
    files: Mapping[str, object]
    """By the name below the home: text as it is, anything else as JSON."""
    sends: str
    """In the words of this module; by both, unless ``pixi`` says otherwise."""
    environ: Mapping[str, str] = {}
    """``~`` stands for the home."""
    pixi: str | None = None
    """What pixi sends, where it differs."""

    def environment(self, home: Path) -> dict[str, str]:
        """Write the files, and return the variables."""
        for name, content in self.files.items():
            file = home / name
            file.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else json.dumps(content)
            file.write_text(text, encoding="utf-8")
            file.chmod(0o600)
        own = {name: value.replace("~", str(home)) for name, value in self.environ.items()}
        return {"HOME": str(home), **own}


class Rattler:
    """The child that speaks for pixi; started when first asked, and anew where it broke down."""

    def __init__(self) -> None:
        needs.module("rattler")
        self._process: subprocess.Popen[str] | None = None

    def fetch(
        self,
        url: str,
        environ: Mapping[str, str],
        seconds: float = 30,
        buckets: Mapping[str, tuple[str, str, str]] = MappingProxyType({}),
    ) -> str:
        """Return "fetched" or the name of an error.

        :param buckets: the endpoint, the region and the style of each bucket.
        :raises TimeoutError: no answer in time; the child was ended.
        """
        process = self._process if self._process and self._process.poll() is None else self._start()
        answers: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(
            target=lambda: answers.put(process.stdout.readline()), daemon=True
        )
        order = {"url": url, "environ": dict(environ), "buckets": dict(buckets)}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        reader.start()
        try:
            line = answers.get(timeout=seconds)
        except queue.Empty:
            self.stop()
            raise TimeoutError(f"py-rattler did not answer within {seconds} s for {url}") from None
        finally:
            reader.join(5)
        if not line:
            raise RuntimeError(f"py-rattler broke down at {url}: exit {process.wait(5)}")
        return json.loads(line)

    def _start(self) -> subprocess.Popen[str]:
        self.stop()
        command = [sys.executable, str(CHILD)]
        environ = {"PATH": os.environ.get("PATH", os.defpath)}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environ,
        )
        return self._process

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def in_words(server: Recorder, url: str) -> str:
    """Say what reached the server at the page of a channel."""
    own = quote(urlsplit(url).path.rstrip("/") + PAGE)
    requests = [seen for seen in server.seen if seen.path.endswith(PAGE)]
    said = {_say(seen, own) for seen in requests}
    return " and then ".join(sorted(said)) or "no request"


def _say(seen: Seen, own: str) -> str:
    path = urlsplit(seen.target).path
    before = path[: -len(own)] if path.endswith(own) else f"{path} instead of {own},"
    words = [f"{before} before the path"] if before else []
    if seen.authorization is not None:
        kind, _, value = seen.authorization.partition(" ")
        words.append(f"{kind} {base64.b64decode(value).decode() if kind == 'Basic' else value}")
    return " and ".join(words) or "nothing"
