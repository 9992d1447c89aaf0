"""The contract of every reader of a project's file, of the user's configuration, and of variables.

``READERS`` has the files, and ``VARIABLES`` the variables. A field of a row is a difference that is
meant; its comment has the reason. Each reading is done by ``read``, which fails if a file changed
or if a secret is shown.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import pytest
from leaks import assert_no_secret

from authshim.errors import ManifestError
from authshim.files import MAX_TOML_BYTES
from authshim.project.manifest import Index, Manifest

if TYPE_CHECKING:
    from pathlib import Path

TOML, INI, LINES = "TOML", "INI", "lines"
PYPI = "https://pypi.org/simple"
USERINFO, LINE = "userinfo", "line"


class Reader(NamedTuple):
    """A file that a tool reads, and how it reads it."""

    tool: str
    file: str
    text: str
    """It declares one index. ``URL`` stands for its URL."""
    line: int
    """The line of the URL."""
    beside: dict[str, str] = {}
    environ: dict[str, str] = {}
    """``FOLDER`` stands for the folder of the project."""
    is_users: bool = False
    """A file of the user's configuration: a malformed one is a warning, and the rest is read."""
    syntax: str = TOML
    expands: str = ""
    """The part in which ``${VARIABLE}`` is replaced. An empty one means that it stays."""
    takes_paths: bool = True
    from_file: bool = True
    """Relative paths start at the folder of the file, not at the current one."""
    empty_url: str = "expected a URL"
    """The message for a URL of no characters. An empty one means that nothing is declared."""
    absent: str = ""
    """The message if the file is missing. An empty one means that nothing is declared."""
    unread_in: str = ""
    """The place that a message names if the file cannot be read, if that is not the file."""
    names: bool = False
    """The index has the name "acme"."""


PIXI = "[workspace]\nchannels = []\nplatforms = []\n[pypi-options]\nindex-url = 'URL'\n"
PIXI_TABLES = PIXI.replace("[", "[tool.pixi.", 1).replace("\n[", "\n[tool.pixi.")
UV_BESIDE = {"pyproject.toml": "[tool.uv]\n"}
PDM_BESIDE = {"pyproject.toml": "[tool.pdm]\n"}
NOT_HERE = "there is no project of {tool} here"

READERS = {
    # pixi takes a path in find-links only, and there as a key of its own.
    "pixi.toml": Reader(
        "pixi", "pixi.toml", PIXI, 5, takes_paths=False, empty_url="no scheme", absent=NOT_HERE
    ),
    "pixi, pyproject.toml": Reader(
        *("pixi", "pyproject.toml", PIXI_TABLES, 5),
        takes_paths=False,
        empty_url="no scheme",
        absent=NOT_HERE,
    ),
    "uv, pyproject.toml": Reader(
        *("uv", "pyproject.toml", "[[tool.uv.index]]\nname = 'acme'\nurl = 'URL'\n", 3),
        absent=NOT_HERE,
        names=True,
    ),
    "uv.toml": Reader("uv", "uv.toml", "[[index]]\nurl = 'URL'\n", 2, UV_BESIDE),
    "uv, of the user": Reader(
        "uv", "config/uv/uv.toml", "[[index]]\nurl = 'URL'\n", 2, UV_BESIDE, is_users=True
    ),
    "uv, of the system": Reader(
        "uv", "system/uv/uv.toml", "index-url = 'URL'\n", 1, UV_BESIDE, is_users=True
    ),
    "uv, UV_CONFIG_FILE": Reader(
        *("uv", "named.toml", "extra-index-url = ['URL']\n", 1, UV_BESIDE),
        environ={"UV_CONFIG_FILE": "FOLDER/named.toml"},
        is_users=True,
    ),
    # pip expands a variable anywhere in a requirements file, and nowhere in its configuration.
    "pip, requirements.txt": Reader(
        *("pip", "requirements.txt", "# s3cret\n-i URL\n", 2),
        syntax=LINES,
        expands=LINE,
        absent=NOT_HERE,
    ),
    # The name of an included file may be anything, a URL with a login too, so its place is named.
    "pip, included file": Reader(
        *("pip", "more/extra.txt", "--extra-index-url=URL\n", 1),
        beside={"requirements.txt": "-r more/extra.txt\n"},
        syntax=LINES,
        expands=LINE,
        absent="requirements.txt:1: there is no such file",
        unread_in="requirements.txt:1",
    ),
    # pip ignores an empty value, and takes relative paths from where it runs.
    "pip, of the user": Reader(
        *("pip", "config/pip/pip.conf", "[global]\nindex-url = URL\n", 2),
        beside={"requirements.txt": ""},
        is_users=True,
        syntax=INI,
        from_file=False,
        empty_url="",
    ),
    "pip, of the system": Reader(
        *("pip", "system/pip/pip.conf", "[install]\nextra_index_url =\n  URL\n", 3),
        beside={"requirements.txt": ""},
        is_users=True,
        syntax=INI,
        from_file=False,
        empty_url="",
    ),
    "pip, PIP_CONFIG_FILE": Reader(
        *("pip", "named.conf", "[global]\nfind-links = URL\n", 2),
        beside={"requirements.txt": ""},
        environ={"PIP_CONFIG_FILE": "FOLDER/named.conf"},
        is_users=True,
        syntax=INI,
        from_file=False,
        empty_url="",
    ),
    "poetry, pyproject.toml": Reader(
        *("poetry", "pyproject.toml", "[[tool.poetry.source]]\nname = 'acme'\nurl = 'URL'\n", 3),
        absent=NOT_HERE,
        names=True,
    ),
    # pdm skips a source without a URL. Of a URL that is asked, no value may name the host.
    "pdm, pyproject.toml": Reader(
        *("pdm", "pyproject.toml", "[[tool.pdm.source]]\nname = 'acme'\nurl = 'URL'\n", 3),
        expands=USERINFO,
        empty_url="",
        absent=NOT_HERE,
        names=True,
    ),
    "pdm.toml": Reader(
        *("pdm", "pdm.toml", "[pypi.acme]\nurl = 'URL'\n", 2, PDM_BESIDE),
        is_users=True,
        expands=USERINFO,
        empty_url="",
        from_file=True,
        names=True,
    ),
    "pdm, of the user": Reader(
        *("pdm", "config/pdm/config.toml", "[pypi.acme]\nurl = 'URL'\n", 2, PDM_BESIDE),
        is_users=True,
        expands=USERINFO,
        empty_url="",
        from_file=False,
        names=True,
    ),
}

EACH_READER = pytest.mark.parametrize("name", READERS)


class Reading(NamedTuple):
    """The result of a reading: indexes with their places, or the messages about them."""

    indexes: dict[str, Index]
    """The indexes by their places, less those that a tool asks by default."""
    messages: list[str]
    is_refused: bool = False

    @property
    def index(self) -> Index:
        (index,) = self.indexes.values()
        return index

    @property
    def place(self) -> str:
        (place,) = self.indexes
        return place


class Project:
    """The folder of a project, with the user's and the system's configuration in it."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self._caplog = caplog

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        return path

    def prepare(self, reader: Reader) -> Path:
        """Write the files beside that of a reader, and return its path."""
        for name, text in reader.beside.items():
            self.write(name, text)
        path = self.folder / reader.file
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def declare(self, reader: Reader, url: str, **environ: str) -> Reading:
        """Write the file of a reader with a URL, and read it."""
        self.prepare(reader)
        self.write(reader.file, reader.text.replace("URL", url))
        return self.read(reader.tool, **{**reader.environ, **environ})

    def read(self, tool: str, **environ: str) -> Reading:
        """Read the project. Fail if a file changes or a secret is shown."""
        before = self._files()
        reading = self._read(tool, environ)
        assert self._files() == before
        shown = [self._caplog.records, reading.messages, *reading.indexes]
        for index in reading.indexes.values():
            shown += [repr(index), str(index), index.shown, index.url, pickle.dumps(index)]
        assert_no_secret(shown)
        return reading

    def _read(self, tool: str, environ: dict[str, str]) -> Reading:
        paths = {"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_CONFIG_DIRS": "system"}
        variables = {name: str(self.folder / below) for name, below in paths.items()}
        for name, value in environ.items():
            variables[name] = value.replace("FOLDER", str(self.folder))
        try:
            manifest = Manifest.load(self.folder, tool, environ=variables)
        except ManifestError as error:
            assert_no_secret(error)
            return Reading({}, [str(error)], is_refused=True)
        assert_no_secret(manifest, repr(manifest), pickle.dumps(manifest))
        found = [*manifest.indexes(), *manifest.own_indexes()]
        places = [place.replace(f"{self.folder}{os.sep}", "") for place in manifest.places(found)]
        declared = {place: index for place, index in zip(places, found) if place != "the default"}
        return Reading(declared, list(manifest.warnings))

    def _files(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in self.folder.rglob("*"):
            state = path.stat()
            found[str(path)] = (state.st_mtime_ns, state.st_size, state.st_mode)
        return found


@pytest.fixture
def project(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Project:
    caplog.set_level("DEBUG")
    return Project(tmp_path, caplog)


def assert_is_told(reading: Reading, reader: Reader, said: str, place: str = "") -> None:
    """Fail unless the one message names the file, and stops only a project's file from loading."""
    assert reading.is_refused is not reader.is_users
    assert reading.indexes == {}
    (message,) = reading.messages
    assert (place or reader.file).replace("/", os.sep) in message
    assert said in message


# The index


@EACH_READER
def test_index_has_its_login_and_its_place(name: str, project: Project) -> None:
    reader = READERS[name]
    reading = project.declare(reader, "https://ada:s3cret@h.example/simple")
    assert reading.place == f"{reader.file}:{reader.line}".replace("/", os.sep)
    assert (reading.index.url, reading.index.username) == ("https://h.example/simple", "ada")
    assert reading.index.password == "s3cret"
    assert reading.index.declaration.name == ("acme" if reader.names else "")
    assert reading.messages == []


@EACH_READER
def test_login_without_a_password_is_a_username(name: str, project: Project) -> None:
    index = project.declare(READERS[name], "https://ada@h.example/simple").index
    assert (index.url, index.username, index.password) == ("https://h.example/simple", "ada", None)


@EACH_READER
def test_variable_is_replaced_if_the_tool_does_so(name: str, project: Project) -> None:
    reader = READERS[name]
    reading = project.declare(reader, "https://ada:${VAR}@h.example/simple", VAR="s3cret")
    expanded = reader.expands != ""
    assert reading.index.password == ("s3cret" if expanded else "${VAR}")
    assert reading.index.placeholder == ("" if expanded else "the password")


@EACH_READER
def test_unset_variable_is_a_placeholder(name: str, project: Project) -> None:
    index = project.declare(READERS[name], "https://ada:${VAR}@h.example/simple").index
    assert index.placeholder == "the password"


@EACH_READER
def test_variable_names_a_host_in_requirements_only(name: str, project: Project) -> None:
    reader = READERS[name]
    index = project.declare(reader, "https://${VAR}/simple", VAR="h.example").index
    host = "h.example" if reader.expands == LINE else "${VAR}"
    assert index.url == f"https://{host}/simple"


@EACH_READER
def test_relative_path_is_a_file_url(name: str, project: Project) -> None:
    reader = READERS[name]
    reading = project.declare(reader, "./wheels")
    if not reader.takes_paths:
        assert_is_told(reading, reader, "it has no scheme")
        return
    folder = (project.folder / reader.file).parent
    if not reader.from_file:
        folder = project.folder if reader.tool == "pdm" else type(folder)()
    assert reading.index.url == (folder.absolute() / "wheels").as_uri()
    assert reading.place == f"{reader.file}:{reader.line}".replace("/", os.sep)


MALFORMED = {
    "ftp//ada:s3cret@h": "cannot use the URL ****@h: it has no scheme, such as https://",
    "https://ada:s3cret@": "it has no host",
    "https://ada:s3cret@h.example\\\\evil.example": "it has a backslash",
}


@pytest.mark.parametrize("url", MALFORMED)
@EACH_READER
def test_malformed_url_is_told_with_its_place(name: str, url: str, project: Project) -> None:
    reader = READERS[name]
    reading = project.declare(reader, url)
    assert_is_told(reading, reader, MALFORMED[url])


@EACH_READER
def test_empty_url_is_told_or_ignored(name: str, project: Project) -> None:
    reader = READERS[name]
    reading = project.declare(reader, "")
    if reader.empty_url:
        assert_is_told(reading, reader, reader.empty_url)
    else:
        assert reading == Reading({}, [])


# The file


@EACH_READER
def test_missing_file_declares_nothing(name: str, project: Project) -> None:
    reader = READERS[name]
    project.prepare(reader)
    reading = project.read(reader.tool, **reader.environ)
    expected = [reader.absent.format(tool=reader.tool)] if reader.absent else []
    assert reading.is_refused is bool(expected)
    assert [message.endswith(end) for message, end in zip(reading.messages, expected)] == [
        True
    ] * len(expected)
    assert reading.indexes == {}


BROKEN = {
    "broken": (b"= s3cret\n", "line 1, column 1: it is not valid TOML"),
    "invalid UTF-8": (b"\xffs3cret\n", "line 1, column 1: it is not valid TOML"),
    "NUL": (b"\0s3cret\n", "line 1, column 1: it is not valid TOML"),
    "too large": (b"# s3cret\n" * (MAX_TOML_BYTES // 9 + 1), "it is larger than"),
}


@pytest.mark.parametrize("fault", BROKEN)
@EACH_READER
def test_unreadable_file_is_told_without_its_content(
    name: str, fault: str, project: Project
) -> None:
    reader = READERS[name]
    content, said = BROKEN[fault]
    project.prepare(reader)
    project.write(reader.file, content)
    reading = project.read(reader.tool, **reader.environ)
    if fault != "too large" and reader.syntax == INI:
        said = "line 1: it is not a configuration file of pip"
    elif fault != "too large" and reader.syntax == LINES:
        # pip takes any line for a package, and refuses a malformed one when it installs.
        assert reading == Reading({}, [])
        return
    assert_is_told(reading, reader, said, reader.unread_in)


@EACH_READER
def test_folder_in_place_of_a_file_is_told(name: str, project: Project) -> None:
    reader = READERS[name]
    project.prepare(reader).mkdir()
    reading = project.read(reader.tool, **reader.environ)
    assert reading.is_refused is not reader.is_users
    (message,) = reading.messages
    if reader.absent == NOT_HERE and reader.tool != "pixi":
        # A pyproject.toml that is a folder makes no project, of no tool.
        assert message.endswith(NOT_HERE.format(tool=reader.tool))
    else:
        assert message.endswith("it is not a regular file")


@pytest.mark.usefixtures("nobody")
@EACH_READER
def test_file_without_permission_is_told(
    name: str, open_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = READERS[name]
    project = Project(open_folder, caplog)
    path = project.prepare(reader)
    project.write(reader.file, reader.text)
    path.chmod(0)
    reading = project.read(reader.tool, **reader.environ)
    assert_is_told(reading, reader, "permission denied", reader.unread_in)


@pytest.mark.parametrize("change", ["byte order mark", "CRLF"])
@EACH_READER
def test_editor_of_windows_changes_nothing(name: str, change: str, project: Project) -> None:
    reader = READERS[name]
    text = reader.text.replace("URL", "https://h.example/simple")
    text = text.replace("\n", "\r\n") if change == "CRLF" else f"\ufeff{text}"
    project.prepare(reader)
    project.write(reader.file, text)
    reading = project.read(reader.tool, **reader.environ)
    assert reading.index.url == "https://h.example/simple"
    assert reading.place == f"{reader.file}:{reader.line}".replace("/", os.sep)


# The types of the values

UV_VALUES = {
    "index = 's3cret'": "index: expected a list",
    "index = ['s3cret']": "index]: expected a table",
    "index = [{ url = 1 }]": "url: expected text",
    "index = [{ name = 'acme' }]": "url: expected a URL or a path",
    "index = [{ url = 'https://h', name = 1 }]": "name: expected text",
    "index = [{ url = 'https://h', default = 's3cret' }]": "default: expected true or false",
    "index = [{ url = 'https://h', explicit = 's3cret' }]": "explicit: expected true or false",
    "index = [{ url = 'https://h', authenticate = 's3cret' }]": "expected one of auto",
    "index = [{ url = 'https://h', ignore-error-codes = 's3cret' }]": "expected a list",
    "index = [{ url = 'https://h', ignore-error-codes = ['s3cret'] }]": "expected numbers",
    "index-url = ['s3cret']": "expected a URL",
    "extra-index-url = 's3cret'": "extra-index-url: expected a list",
    "extra-index-url = [1]": "extra-index-url: expected a list of text",
    "find-links = 's3cret'": "find-links: expected a list",
    "no-index = 's3cret'": "no-index: expected true or false",
    "index-strategy = 's3cret'": "index-strategy: expected one of",
    "prerelease = ['s3cret']": "prerelease: expected one of",
    "keyring-provider = 's3cret'": "keyring-provider: expected one of",
}
SOURCE_VALUES = {
    "source = 's3cret'": "source: expected a list",
    "source = ['s3cret']": "source]: expected a table",
    "source = [{ name = 1, url = 'https://h' }]": "name: expected text",
    "source = [{ name = 'acme', url = 1 }]": "expected a URL",
    "source = [{ name = 'acme' }]": "expected a URL",
}
VALUES = {
    ("uv, pyproject.toml", "[tool.uv]\n"): UV_VALUES,
    ("uv.toml", ""): UV_VALUES,
    ("uv, of the user", ""): UV_VALUES,
    ("uv, of the system", ""): UV_VALUES,
    ("uv, UV_CONFIG_FILE", ""): UV_VALUES,
    ("uv, pyproject.toml", ""): {"tool = 's3cret'": "tool", "tool.uv = 's3cret'": "tool.uv"},
    ("poetry, pyproject.toml", "[tool.poetry]\n"): {
        **SOURCE_VALUES,
        "source = [{ url = 'https://h', priority = 's3cret' }]": "priority: expected one of",
    },
    # pdm skips a source without a URL.
    ("pdm, pyproject.toml", "[tool.pdm]\n"): {
        value: said for value, said in SOURCE_VALUES.items() if "url" in value
    },
    ("pdm.toml", ""): {
        "pypi = 's3cret'": "pypi]: expected a table",
        "pypi.acme.url = 1": "expected a URL",
    },
    ("pdm, of the user", ""): {"pypi = ['s3cret']": "pypi]: expected a table"},
}
WRONG = [
    pytest.param(name, head + value, said, id=f"{name}-{value}")
    for (name, head), values in VALUES.items()
    for value, said in values.items()
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_value_of_a_wrong_type_is_told(name: str, text: str, said: str, project: Project) -> None:
    reader = READERS[name]
    project.prepare(reader)
    project.write(reader.file, f"{text}\n")
    assert_is_told(project.read(reader.tool, **reader.environ), reader, said)


# The logins that stand in another file than the index

POETRY_INDEX = "[[tool.poetry.source]]\nname = 'acme'\nurl = 'https://h.example/'\n"
PDM_INDEX = "[[tool.pdm.source]]\nname = 'acme'\nurl = 'https://h.example/'\n"
LOGIN_FILES = {
    "poetry, auth.toml": ("poetry", POETRY_INDEX, "config/pypoetry/auth.toml", "http-basic"),
    "poetry, config.toml": ("poetry", POETRY_INDEX, "config/pypoetry/config.toml", "http-basic"),
    "poetry.toml": ("poetry", POETRY_INDEX, "poetry.toml", "http-basic"),
    "pdm, config.toml": ("pdm", PDM_INDEX, "config/pdm/config.toml", "pypi"),
    "pdm.toml": ("pdm", PDM_INDEX, "pdm.toml", "pypi"),
}
LOGINS: dict[str, Any] = {
    "username = 'ada'\npassword = 's3cret'\n": ("ada", "s3cret"),
    "username = 'ada'\n": ("ada", None),
    # A value of another type is one that the tool cannot have written.
    "username = 1\npassword = ['s3cret']\n": (None, None),
    "": (None, None),
}


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("name", LOGIN_FILES)
def test_login_of_another_file_is_taken_with_its_place(
    name: str, login: str, project: Project
) -> None:
    tool, declared, file, table = LOGIN_FILES[name]
    project.write("pyproject.toml", declared)
    project.write(file, f"[{table}.acme]\n{login}")
    index = project.read(tool).index
    assert (index.username, index.password) == LOGINS[login]
    named = index.declaration.login_in.replace(f"{project.folder}{os.sep}", "")
    assert (file.replace("/", os.sep) in named) is (index.username is not None)


@pytest.mark.parametrize("text", ["= s3cret\n", "http-basic = 's3cret'\npypi = 's3cret'\n"])
@pytest.mark.parametrize("name", LOGIN_FILES)
def test_malformed_file_of_logins_is_a_warning(name: str, text: str, project: Project) -> None:
    tool, declared, file, _ = LOGIN_FILES[name]
    project.write("pyproject.toml", declared)
    project.write(file, text)
    reading = project.read(tool)
    (warning,) = reading.messages
    assert file.replace("/", os.sep) in warning
    assert reading.index.url == "https://h.example/"


# Variables


class Variable(NamedTuple):
    """A variable that declares indexes."""

    tool: str
    stops: bool = True
    """A malformed URL stops the reading, as it stops uv. pip and pdm go on with the others."""
    expands: bool = False


VARIABLES = {
    "UV_INDEX": Variable("uv"),
    "UV_DEFAULT_INDEX": Variable("uv"),
    "UV_INDEX_URL": Variable("uv"),
    "UV_EXTRA_INDEX_URL": Variable("uv"),
    "UV_FIND_LINKS": Variable("uv"),
    "PIP_INDEX_URL": Variable("pip", stops=False),
    "PIP_EXTRA_INDEX_URL": Variable("pip", stops=False),
    "PIP_FIND_LINKS": Variable("pip", stops=False),
    "PDM_PYPI_URL": Variable("pdm", stops=False, expands=True),
}
EACH_VARIABLE = pytest.mark.parametrize("name", VARIABLES)


@pytest.fixture
def with_variable(project: Project) -> Callable[..., Reading]:
    """``with_variable(NAME, value)`` reads an empty project of the variable's tool."""

    def read(name: str, value: str, **environ: str) -> Reading:
        tool = VARIABLES[name].tool
        project.write("pyproject.toml", f"[tool.{tool}]\n")
        return project.read(tool, **{name: value, **environ})

    return read


@EACH_VARIABLE
def test_index_of_a_variable_is_placed_by_its_name(
    name: str, with_variable: Callable[..., Reading]
) -> None:
    reading = with_variable(name, "https://ada:s3cret@h.example/simple")
    assert (reading.place, reading.index.url) == (name, "https://h.example/simple")
    assert (reading.index.username, reading.index.password) == ("ada", "s3cret")


@EACH_VARIABLE
def test_empty_variable_declares_nothing(name: str, with_variable: Callable[..., Reading]) -> None:
    assert with_variable(name, "") == Reading({}, [])


@EACH_VARIABLE
def test_variable_in_a_variable_stays_if_the_tool_leaves_it(
    name: str, with_variable: Callable[..., Reading]
) -> None:
    reading = with_variable(name, "https://ada:${VAR}@h.example/simple", VAR="s3cret")
    expected = "s3cret" if VARIABLES[name].expands else "${VAR}"
    assert reading.index.password == expected


@pytest.mark.parametrize("url", MALFORMED)
@EACH_VARIABLE
def test_malformed_url_of_a_variable_is_told_by_its_name(
    name: str, url: str, with_variable: Callable[..., Reading]
) -> None:
    reading = with_variable(name, url)
    (message,) = reading.messages
    assert message.startswith(f"{name}: ")
    assert MALFORMED[url] in message
    assert reading.is_refused is VARIABLES[name].stops
