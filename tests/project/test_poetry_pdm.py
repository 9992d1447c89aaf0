"""The sources of poetry and pdm. tests/interop/test_poetry_pdm.py compares them with the tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from authshim.project.manifest import Manifest

if TYPE_CHECKING:
    from pathlib import Path

POETRY = "[[tool.poetry.source]]\nname = 'acme-x.y'\nurl = 'URL'\n"
PDM = "[[tool.pdm.source]]\nname = 'acme'\n"
URL = "https://h.example/simple/"


def load(folder: Path, tool: str, files: dict[str, str], environ: dict[str, str]) -> Manifest:
    """Write files and return the manifest of the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    paths = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    return Manifest.load(folder, tool, environ={**paths, **environ})


class Login(NamedTuple):
    """Places that have parts of a login, and the login that the tool makes of them."""

    says: str
    expected: tuple[str | None, str | None]
    environ: dict[str, str] = {}
    files: dict[str, str] = {}
    url: str = URL
    keys: str = ""


def basic(username: str, password: str = "") -> str:
    """Return a table of poetry with the values that are not empty."""
    lines = ["[http-basic.'acme-x.y']"]
    lines += [f"username = '{username}'"] * bool(username)
    lines += [f"password = '{password}'"] * bool(password)
    return "\n".join(lines)


AUTH, CONFIG, OWN = "config/pypoetry/auth.toml", "config/pypoetry/config.toml", "poetry.toml"
USER, PASSWORD = "POETRY_HTTP_BASIC_ACME_X.Y_USERNAME", "POETRY_HTTP_BASIC_ACME_X.Y_PASSWORD"

OF_POETRY = [
    Login("variables", ("ada", "pw"), {USER: "ada", PASSWORD: "pw"}),
    Login("old names", ("ada", None), {USER.replace(".", "_"): "ada"}),
    Login("user in a file", ("eve", "pw"), {PASSWORD: "pw"}, {AUTH: basic("eve")}),
    Login("password in a file", ("ada", "pw"), {USER: "ada"}, {AUTH: basic("eve", "pw")}),
    Login("two files", ("ada", "pw"), {}, {AUTH: basic("", "pw"), CONFIG: basic("ada", "old")}),
    Login("own file", ("ada", "pw"), {}, {AUTH: basic("eve", "x"), OWN: basic("ada", "pw")}),
    Login("empty variable", ("eve", None), {PASSWORD: ""}, {AUTH: basic("eve", "pw")}),
    Login("password alone", ("", "pw"), {PASSWORD: "pw"}),
    Login("userinfo", ("ada", "pw"), {USER: "eve"}, url="https://ada:pw@h.example/simple/"),
    Login("user in the URL", ("ada", None), {USER: "eve"}, url="https://ada@h.example/simple/"),
]


@pytest.mark.parametrize("case", OF_POETRY, ids=lambda case: case.says)
def test_poetry_login_is_combined_as_poetry_does(case: Login, tmp_path: Path) -> None:
    files = {"pyproject.toml": POETRY.replace("URL", case.url), **case.files}
    (index,) = load(tmp_path, "poetry", files, case.environ).indexes()
    assert (index.username, index.password) == case.expected


STORED = "config/pdm/config.toml"

OF_PDM = [
    Login("keys", ("ada", "pw"), keys="username = 'ada'\npassword = 'pw'\n"),
    Login(
        "keys are literal", ("ada", "${PW}"), {"PW": "x"}, keys="username='ada'\npassword='${PW}'"
    ),
    Login(
        "user key over user@", ("ada", None), url="https://eve@h.example/", keys="username='ada'"
    ),
    Login(
        "userinfo over keys",
        ("eve", "x"),
        url="https://eve:x@h.example/",
        keys="username='ada'\npassword='pw'",
    ),
    Login("password for user@", ("eve", "pw"), url="https://eve@h.example/", keys="password='pw'"),
    Login("password alone", ("", "pw"), keys="password = 'pw'"),
    Login(
        "own key before the configuration",
        ("ada", "pw"),
        files={STORED: "[pypi.acme]\nusername='eve'\npassword='pw'\n"},
        keys="username='ada'",
    ),
]


@pytest.mark.parametrize("case", OF_PDM, ids=lambda case: case.says)
def test_pdm_login_is_combined_as_pdm_does(case: Login, tmp_path: Path) -> None:
    files = {"pyproject.toml": f"{PDM}url = '{case.url}'\n{case.keys}\n", **case.files}
    index = load(tmp_path, "pdm", files, case.environ).indexes()[1]
    assert (index.username, index.password) == case.expected


def test_pdm_url_is_that_of_the_configuration(tmp_path: Path) -> None:
    files = {"pyproject.toml": PDM, STORED: f"[pypi.acme]\nurl = '{URL}'\n"}
    manifest = load(tmp_path, "pdm", files, {})
    assert [index.url for index in manifest.indexes()] == ["https://pypi.org/simple", URL]
    assert manifest.place(manifest.indexes()[1]).endswith("config.toml:2")


def test_pdm_source_without_a_url_is_left_out(tmp_path: Path) -> None:
    manifest = load(tmp_path, "pdm", {"pyproject.toml": PDM}, {})
    assert [index.url for index in manifest.indexes()] == ["https://pypi.org/simple"]


@pytest.mark.parametrize(
    ("variable", "stored", "ignored"),
    [(None, "true", True), ("no", "true", False), ("on", "false", True), (None, "'0'", False)],
)
def test_pdm_asks_its_own_sources_alone_if_the_stored_ones_are_ignored(
    variable: str | None, stored: str, ignored: bool, tmp_path: Path
) -> None:
    environ = {} if variable is None else {"PDM_IGNORE_STORED_INDEX": variable}
    text = f"[pypi]\nignore_stored_index = {stored}\n[pypi.more]\nurl = 'https://more.example'\n"
    files = {"pyproject.toml": f"{PDM}url = '{URL}'\n", STORED: text}
    found = [index.url for index in load(tmp_path, "pdm", files, environ).indexes()]
    assert (found == [URL]) is ignored
    assert len(found) == (1 if ignored else 3)


def test_pdm_package_is_of_the_source_that_includes_it(tmp_path: Path) -> None:
    text = (
        f"[project]\ndependencies = ['Acme_Core', 'demo']\n{PDM}url = '{URL}'\n"
        "include_packages = ['acme_*']\nexclude_packages = ['*']\n"
    )
    manifest = load(tmp_path, "pdm", {"pyproject.toml": text}, {})
    assert [index.url for index in manifest.indexes()] == ["https://pypi.org/simple"]
    (own,) = manifest.own_indexes()
    assert own.url == URL
    indexes = {raw.name: raw.own_index for raw in manifest.requirements()}
    assert indexes == {"acme-core": own, "demo": None}


def test_poetry_source_of_one_page_is_flat(tmp_path: Path) -> None:
    text = POETRY.replace("URL", "https://h.example/torch_stable.html")
    (index,) = load(tmp_path, "poetry", {"pyproject.toml": text}, {}).indexes()
    assert index.flat


def test_poetry_source_is_named_in_any_case(tmp_path: Path) -> None:
    text = "[tool.poetry.dependencies]\ndemo = { version = '1', source = 'ACME-X.Y' }\n"
    manifest = load(tmp_path, "poetry", {"pyproject.toml": text + POETRY.replace("URL", URL)}, {})
    (requirement,) = manifest.requirements()
    assert requirement.own_index is not None


@pytest.mark.parametrize(
    ("variable", "stored", "provider"),
    [
        (None, "true", ""),
        (None, "false", "disabled"),
        ("1", "false", ""),
        ("no", "true", "disabled"),
    ],
)
def test_poetry_keyring_is_switched_off_by_its_option(
    variable: str | None, stored: str, provider: str, tmp_path: Path
) -> None:
    environ = {} if variable is None else {"POETRY_KEYRING_ENABLED": variable}
    files = {"pyproject.toml": POETRY, CONFIG: f"[keyring]\nenabled = {stored}\n"}
    files["pyproject.toml"] = POETRY.replace("URL", URL)
    assert load(tmp_path, "poetry", files, environ).keyring_provider == provider


@pytest.mark.parametrize(
    ("tool", "text", "services"),
    [
        ("poetry", POETRY, ("poetry-repository-acme-x.y", "https://h.example/simple", "h.example")),
        (
            "pdm",
            PDM + "url = 'URL'\n",
            ("https://h.example/simple/", "h.example", "pdm-pypi-acme"),
        ),
    ],
)
def test_keyring_is_asked_by_the_names_of_the_tool_first(
    tool: str, text: str, services: tuple[str, ...], tmp_path: Path
) -> None:
    manifest = load(tmp_path, tool, {"pyproject.toml": text.replace("URL", URL)}, {})
    assert manifest.indexes()[-1].declaration.services == services
