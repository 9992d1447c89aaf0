"""Real servers on free loopback ports: pypiserver, nginx and oidc-provider.

Each is waited for, and ended by its process id.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import needs
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD, TOKEN = "ada", "s3cret", "tk-s3cret"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
BEARER = f"Bearer {TOKEN}"
WHEEL = "demo-1.0-py3-none-any.whl"


OIDC_PROVIDER = "oidc-provider@~8.8.1"
"""The newest that runs on Debian 12's Node 18."""

_ENVIRON = dict(os.environ)
"""The environment before a test cleared it: npm reads its registry and its certificates there."""


class Nginx(NamedTuple):
    """Two ports of one nginx; ``other`` stands for another origin."""

    port: int
    other_port: int
    log: Path
    files: Path
    """What ``/files/`` serves behind Basic."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def other(self) -> str:
        return f"http://127.0.0.1:{self.other_port}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(
    command: list[str], ports: list[int], log: Path, *, seconds: float = 90
) -> Iterator[None]:
    """Run a server until the block ends; it must listen on all ``ports`` within ``seconds``."""
    environment = {
        name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=log.parent,
        )
    try:
        for port in ports:
            _wait(process, port, log, time.monotonic() + seconds)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, deadline: float) -> None:
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(
        f"{process.args} does not listen on {port}: {log.read_text(errors='replace')[-2000:]}"
    )


@contextmanager
def pypiserver(folder: Path) -> Iterator[str]:
    """Serve the package *demo* to ``USER`` only (else 401 or 403), and yield the index URL."""
    needs.module("pypiserver")
    needs.module("passlib")
    packages = folder / "packages"
    packages.mkdir()
    (packages / WHEEL).write_bytes(wheel())
    (folder / "htpasswd").write_text(_htpasswd_line())
    port = free_port()
    address = ["-i", "127.0.0.1", "-p", str(port)]
    access = ["-P", str(folder / "htpasswd"), "-a", "update,download,list", "--disable-fallback"]
    command = [sys.executable, "-m", "pypiserver", "run", *address, *access, str(packages)]
    with running(command, [port], folder / "log"):
        yield f"http://127.0.0.1:{port}/simple/"


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Serve pages behind Basic, Bearer and ``/t/TOKEN/``, and redirects to all of them."""
    program = needs.program("nginx", "nginx-light")
    (folder / "htpasswd").write_text(_htpasswd_line())
    served = Nginx(free_port(), free_port(), folder / "requests", folder / "files")
    served.files.mkdir()
    (folder / "nginx.conf").write_text(_nginx_config(folder, served))
    command = [
        program,
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "errors"),
    ]
    with running(command, [served.port, served.other_port], folder / "log"):
        yield served


def _nginx_config(folder: Path, served: Nginx) -> str:
    redirects = "".join(
        f"""
        location ~ ^/relative/{status}(/.*)$ {{ return {status} $1; }}
        location ~ ^/absolute/{status}(/.*)$ {{ return {status} {served.url}$1; }}
        location ~ ^/away/{status}(/.*)$ {{ return {status} {served.other}$1; }}"""
        for status in (301, 302, 303, 307, 308)
    )
    return f"""
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
{"user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""}
events {{ }}
http {{
    access_log {folder}/requests;
    absolute_redirect off;
    default_type text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_authorization $bearer {{ default 0; "{BEARER}" 1; }}
    server {{
        listen 127.0.0.1:{served.port};
        location /basic/ {{
            auth_basic private;
            auth_basic_user_file {folder}/htpasswd;
            try_files /none @let_in;
        }}
        location @let_in {{ return 200 "let in"; }}
        location /files/ {{
            auth_basic private;
            auth_basic_user_file {folder}/htpasswd;
            alias {served.files}/;
        }}
        location /bearer/ {{
            if ($bearer = 0) {{ return 401; }}
            return 200 "let in";
        }}
        location /t/{TOKEN}/ {{ return 200 "let in"; }}
        location /t/{TOKEN}/moved/ {{
            return 302 {served.url}/t/{TOKEN}/acme/noarch/repodata.json;
        }}
        location /acme/ {{ return 404; }}
        location /tenant/a/ {{ return 200 "a [$http_authorization]"; }}
        location /tenant/b/ {{ return 200 "b [$http_authorization]"; }}
        location /echo/ {{ return 200 "[$http_authorization]"; }}{redirects}
    }}
    server {{
        listen 127.0.0.1:{served.other_port};
        location / {{ return 200 "[$http_authorization]"; }}
    }}
}}
"""


def _htpasswd_line() -> str:
    # The standard library can make this form, and both pypiserver (by passlib) and nginx read it.
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()
    return f"{USER}:{{SHA}}{digest}\n"


def wheel() -> bytes:
    """Return the smallest wheel that is one."""
    files = {
        "demo.py": "",
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in files.items())
    files["demo-1.0.dist-info/RECORD"] = record + "demo-1.0.dist-info/RECORD,,\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, text in files.items():
            # A fixed date, so that two calls return the same bytes.
            writing.writestr(zipfile.ZipInfo(name), text)
    return archive.getvalue()


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@contextmanager
def oidc_provider(folder: Path) -> Iterator[str]:
    """Run npm's oidc-provider, which the first caller installs into the folder; yield its URL."""
    node = needs.program("node", "nodejs")
    with FileLock(folder / "lock"):
        if not (folder / "installed").exists():
            _install_oidc_provider(folder)
    port = free_port()
    with running(
        [node, str(folder / "oidc_server.mjs"), str(port)], [port], folder / f"log-{port}"
    ):
        yield f"http://127.0.0.1:{port}"


def _install_oidc_provider(folder: Path) -> None:
    npm = needs.program("npm", "npm")
    (folder / "package.json").write_text("{}")
    shutil.copy(Path(__file__).with_name("oidc_server.mjs"), folder)
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(
        [npm, "install", *options, OIDC_PROVIDER],
        check=False, cwd=folder, env=_ENVIRON, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    if done.returncode:
        needs.missing(f"npm cannot install {OIDC_PROVIDER}: {done.stderr[-500:]}")
    (folder / "installed").touch()
