"""Every test has an empty home, no keyring, and nothing of the machine's own settings."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable

import pytest
from hypothesis import HealthCheck, settings
from leaks import assert_no_secret
from servers import Authority, Names, Play, Recorder, Wire

from authshim.lookup.locations import seen_locations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The same examples in every run, and however slow the machine is: nothing fails by chance.
settings.register_profile(
    "authshim",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("authshim")

# A shell starts what it runs in the background with Ctrl-C ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_FOREIGN = (
    *("AUTHSHIM_", "ARTIFACTS_", "AWS_", "KEYRING_", "PDM_", "PIP_", "PIXI_", "POETRY_"),
    *("PREFIX_DEV_", "RATTLER_", "UV_", "XDG_"),
)
_DISTURBING = {
    "BINSTAR_CONFIG_DIR",
    "BUILDKITE",
    "CIRCLECI",
    "CURL_CA_BUNDLE",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "NETRC",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "VIRTUAL_ENV",
}


# Coverage measures this process, and not those that its tests start: they would take twice their
# time, and take few branches that no other test takes.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_xdist_auto_num_workers() -> int | None:
    """Return three workers for two cores, because tests wait for servers and children.

    Return None if a variable has the number, as in CI: while these wait, another part works.
    """
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that leaves the unit run without a reason."""
    for item in items:
        for marker in item.iter_markers("slow"):
            if not marker.args:
                raise pytest.UsageError(f"{item.nodeid}: the marker slow needs a reason")


class _Folders:
    """The homes of the tests, of which an empty one serves the next test.

    Thousands of them would have to be made, and deleted by a later run.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._numbers = itertools.count()
        self._empty: list[Path] = []

    def take(self) -> Path:
        """Return an empty folder that only its owner can read."""
        if self._empty:
            return self._empty.pop()
        folder = self._base / f"home{next(self._numbers)}"
        folder.mkdir(0o700)
        return folder

    def give_back(self, folder: Path) -> None:
        """Keep a folder for another test if this one left it as it was."""
        with suppress(OSError):
            if folder.lstat().st_mode == stat.S_IFDIR | 0o700 and not os.listdir(folder):
                self._empty.append(folder)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> _Folders:
    return _Folders(tmp_path_factory.mktemp("homes"))


@pytest.fixture(autouse=True)
def _isolated(_folders: _Folders, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Isolate a test. It is one fixture because pytest takes its time for each."""
    home, cwd = _folders.take(), _folders.take()
    _set_environment(home, monkeypatch)
    monkeypatch.chdir(cwd)
    # The Locations that a process has seen mark a request of their own test alone.
    seen_locations.clear()
    with _logging_as_before(), _threads_end():
        yield
    _folders.give_back(home)
    _folders.give_back(cwd)


def _set_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name in _DISTURBING or name.startswith(_FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    # The files in /etc are the machine's own.
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_NO_SYSTEM_CONFIG", "1")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Restore the logging, which each command line sets up for itself."""
    logger, rejections = logging.getLogger("authshim"), logging.getLogger("authshim.rejections")
    handlers, levels = logger.handlers[:], (logger.level, rejections.level)
    yield
    logger.handlers[:] = handlers
    logger.setLevel(levels[0])
    rejections.setLevel(levels[1])


@contextmanager
def _threads_end() -> Iterator[None]:
    """Wait for the threads that the package left running: they would log into other tests."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 60
    while time.monotonic() < until:
        left = [thread for thread in threading.enumerate() if thread not in before]
        left = [thread for thread in left if _is_ours(thread)]
        if not left:
            return
        with suppress(RuntimeError):  # it was not started yet
            left[0].join(1)


def _is_ours(thread: threading.Thread) -> bool:
    module = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    return module.partition(".")[0] == "authshim"


@pytest.fixture
def home() -> Path:
    """The test's empty home."""
    from pathlib import Path

    return Path(os.environ["HOME"])


@pytest.fixture
def unknowing_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring command that knows nothing; keyring's own takes half a second to say so."""
    monkeypatch.setenv("AUTHSHIM_KEYRING_COMMAND", "false")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Root may write everywhere, so the test runs as another."""
    # Nobody may not be allowed to read these.
    import encodings.utf_16_le  # noqa: F401

    import filelock  # noqa: F401

    if os.name != "posix":
        pytest.skip("modes of POSIX")
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach; pytest's own are closed to others."""
    import shutil
    import tempfile
    from pathlib import Path

    folder = Path(tempfile.mkdtemp(prefix="authshim-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _recorders() -> Iterator[dict[tuple[tuple[str, object], ...], list[Recorder]]]:
    """Keep the servers that no test uses just now, by their options."""
    idle: dict[tuple[tuple[str, object], ...], list[Recorder]] = {}
    yield idle
    for recorders in idle.values():
        for recorder in recorders:
            recorder.stop()


@pytest.fixture
def make_recorder(
    _recorders: dict[tuple[tuple[str, object], ...], list[Recorder]],
) -> Iterator[Callable[..., Recorder]]:
    """Start as many servers as a test wants; ``ca=`` makes it one for https."""
    made: list[tuple[list[Recorder], Recorder]] = []

    def make(**options: object) -> Recorder:
        idle = _recorders.setdefault(tuple(options.items()), [])
        recorder = idle.pop() if idle else Recorder(**options)
        recorder.reset()
        made.append((idle, recorder))
        return recorder

    yield make
    for idle, recorder in made:
        if not recorder.is_stopped:
            recorder.hang_up()
            idle.append(recorder)


@pytest.fixture
def recorder(make_recorder: Callable[..., Recorder]) -> Recorder:
    """A server for plain http."""
    return make_recorder()


@pytest.fixture
def make_wire() -> Iterator[Callable[..., Wire]]:
    """Start as many servers of bytes as a test wants."""
    made: list[Wire] = []

    def make(*plays: bytes | Play) -> Wire:
        made.append(Wire(*plays))
        return made[-1]

    yield make
    for wire in made:
        wire.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever reads ``authority.file`` trusts the https servers of the tests."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_recorder(make_recorder: Callable[..., Recorder], authority: Authority) -> Recorder:
    """A server for https that has a certificate for any name."""
    return make_recorder(ca=authority.ca)


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return the names: ``anywhere(recorder)`` lets a recorder answer for every host.

    ``anywhere(other, host="evil.example")`` lets it answer for one host.
    """
    return Names(monkeypatch)


@pytest.fixture
def no_secret(caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    """Return a check that fails if its arguments, or the log, contain ``s3cret``."""
    caplog.set_level(logging.DEBUG)

    def check(*things: object, secret: str = "s3cret") -> None:
        logged = [
            text for record in caplog.records for text in (record.getMessage(), repr(record.args))
        ]
        assert_no_secret(*things, logged, secret=secret)

    return check
