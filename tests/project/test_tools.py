"""The projects of uv, pip, poetry and pdm: the indexes that they declare, their order and place."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.errors import ManifestError
from authshim.project.manifest import Manifest

if TYPE_CHECKING:
    from pathlib import Path

    Write = Callable[..., Path]

PYPI = "https://pypi.org/simple"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """``write({name: text})`` writes files into a folder and returns it."""

    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return make


def load(folder: Path, tool: str | None = None, **environ: str) -> Manifest:
    """Return the manifest of a folder, whose subfolder ``config`` has the user's files."""
    paths = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    paths["XDG_CONFIG_DIRS"] = str(folder / "system")
    return Manifest.load(folder, tool, environ={**paths, **environ})


def urls(manifest: Manifest) -> list[str]:
    return [index.url for index in manifest.indexes()]


def logins(manifest: Manifest) -> list[tuple[str | None, str | None]]:
    return [(index.username, index.password) for index in manifest.indexes()]


def places(manifest: Manifest) -> list[str]:
    """Return the place of each index, relative to the folder of the project."""
    found = [manifest.place(index) for index in manifest.indexes()]
    return [place.replace(manifest.folder + os.sep, "") for place in found]


UV = """
[project]
name = "demo"
dependencies = ["acme-core>=1", "requests"]

[[tool.uv.index]]
name = "acme"
url = "https://h.example/acme/simple"

[[tool.uv.index]]
name = "torch"
url = "https://h.example/torch"
explicit = true

[tool.uv]
extra-index-url = ["https://ada:s3cret@h.example/extra"]

[tool.uv.sources]
acme-core = { index = "torch" }
"""


def test_uv_index_order_has_pypi_last(write: Write) -> None:
    manifest = load(write({"pyproject.toml": UV}))
    assert manifest.tool == "uv"
    assert urls(manifest) == ["https://h.example/acme/simple", "https://h.example/extra", PYPI]
    assert places(manifest) == ["pyproject.toml:8", "pyproject.toml:16", "the default"]


def test_uv_explicit_index_serves_its_packages_alone(write: Write) -> None:
    manifest = load(write({"pyproject.toml": UV}))
    assert [index.url for index in manifest.own_indexes()] == ["https://h.example/torch"]
    owned = {raw.name: raw.own_index for raw in manifest.requirements()}
    assert owned["requests"] is None
    assert owned["acme-core"] == manifest.own_indexes()[0]


def test_uv_variables_come_before_files_and_replace_pypi(write: Write) -> None:
    folder = write(
        {
            "pyproject.toml": "[[tool.uv.index]]\nurl = 'https://p.example/'\ndefault = true\n",
            "config/uv/uv.toml": "[[index]]\nname = 'user'\nurl = 'https://user.example/'\n",
            "system/uv/uv.toml": "index-url = 'https://system.example/'\n",
        }
    )
    manifest = load(
        folder,
        UV_INDEX="acme=https://env.example/ https://second.example/",
        UV_DEFAULT_INDEX="https://default.example/",
    )
    assert urls(manifest) == [
        "https://env.example/",
        "https://second.example/",
        "https://user.example/",
        "https://default.example/",
    ]
    assert places(manifest)[-1] == "UV_DEFAULT_INDEX"
    assert places(manifest)[2] == "config/uv/uv.toml:3"


def test_uv_config_file_variable_replaces_all_files(write: Write) -> None:
    folder = write({"pyproject.toml": UV, "named.toml": "index-url = 'https://named.example/'\n"})
    manifest = load(folder, UV_CONFIG_FILE=str(folder / "named.toml"))
    assert urls(manifest) == ["https://named.example/"]
    assert urls(load(folder, UV_NO_CONFIG="1")) == [PYPI]


@pytest.mark.parametrize(
    ("variables", "login", "login_in"),
    [
        (
            {"UV_INDEX_ACME_USERNAME": "ada", "UV_INDEX_ACME_PASSWORD": "s3cret"},
            ("ada", "s3cret"),
            "UV_INDEX_ACME_PASSWORD",
        ),
        ({"UV_INDEX_ACME_USERNAME": "ada"}, ("ada", None), "UV_INDEX_ACME_USERNAME"),
        ({"UV_INDEX_ACME_PASSWORD": "s3cret"}, ("", "s3cret"), "UV_INDEX_ACME_PASSWORD"),
    ],
)
def test_uv_login_of_variables_serves_an_index_without_userinfo(
    write: Write, variables: dict[str, str], login: tuple[str, str], login_in: str
) -> None:
    manifest = load(write({"pyproject.toml": UV}), **variables)
    assert logins(manifest) == [login, ("ada", "s3cret"), (None, None)]
    assert manifest.indexes()[0].declaration.login_in == login_in


def test_uv_userinfo_comes_before_its_variables(write: Write) -> None:
    folder = write({"uv.toml": "[[index]]\nname='a.b'\nurl='https://eve:own@h.example/'\n"})
    manifest = load(folder, UV_INDEX_A_B_USERNAME="ada", UV_INDEX_A_B_PASSWORD="s3cret")
    assert logins(manifest)[0] == ("eve", "own")


def test_uv_policy_and_strategy_are_read(write: Write) -> None:
    text = "[[tool.uv.index]]\nurl='https://h.example/'\nauthenticate='never'\n"
    folder = write({"pyproject.toml": f"{text}[tool.uv]\nindex-strategy='unsafe-best-match'\n"})
    manifest = load(folder)
    assert manifest.indexes()[0].declaration.authenticate == "never"
    assert manifest.index_strategy() == "unsafe-best-match"
    assert load(folder, UV_INDEX_STRATEGY="first-index").index_strategy() == "first-index"


def test_uv_member_has_the_indexes_of_its_workspace(write: Write) -> None:
    root = "[tool.uv.workspace]\nmembers=['packages/*']\n[[tool.uv.index]]\nurl='https://r.example'"
    member = "[[tool.uv.index]]\nname='own'\nurl='https://own.example'\n"
    pin = "[project]\nname='m'\ndependencies=['x']\n[tool.uv.sources]\nx={index='own'}\n"
    folder = write({"pyproject.toml": root, "packages/m/pyproject.toml": member + pin})
    manifest = load(folder / "packages/m")
    assert urls(manifest) == ["https://r.example", PYPI]
    assert [index.url for index in manifest.own_indexes()] == ["https://own.example"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.uv.sources]\nx={index='gone'}\n", "[tool.uv.sources] x: there is no index 'gone'"),
        ("[tool.uv.sources]\nx={index='https://ada:s3cret@h'}\n", "'https://****@h'"),
    ],
)
def test_uv_source_without_its_index_is_refused(write: Write, text: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load(write({"pyproject.toml": text}), "uv")
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_pip_files_and_variables_override_one_another(write: Write) -> None:
    folder = write(
        {
            "requirements.txt": "acme-core\n",
            "system/pip/pip.conf": "[global]\nindex-url = https://global.example/\n",
            "config/pip/pip.conf": "[global]\nextra-index-url =\n  https://a.example/\n"
            "  https://b.example/\n[install]\nindex_url = https://user.example/\n",
        }
    )
    manifest = load(folder)
    assert manifest.tool == "pip"
    assert urls(manifest) == ["https://user.example/", "https://a.example/", "https://b.example/"]
    assert places(manifest)[1] == "config/pip/pip.conf:3"
    over = load(folder, PIP_INDEX_URL="https://ada:s3cret@env.example/simple")
    assert urls(over)[0] == "https://env.example/simple"
    assert places(over)[0] == "PIP_INDEX_URL"
    assert urls(load(folder, PIP_CONFIG_FILE=os.devnull)) == [PYPI]


def test_pip_config_file_variable_keeps_the_user_file_out(write: Write) -> None:
    folder = write(
        {
            "requirements.txt": "",
            "config/pip/pip.conf": "[global]\nindex-url = https://user.example/\n",
            "named.conf": "[global]\nextra-index-url = https://named.example/\n",
            "venv/pip.conf": "[global]\nfind-links = https://flat.example/\n",
        }
    )
    environ = {"PIP_CONFIG_FILE": str(folder / "named.conf"), "VIRTUAL_ENV": str(folder / "venv")}
    assert urls(load(folder, **environ)) == [
        PYPI,
        "https://named.example/",
        "https://flat.example/",
    ]


def test_pip_requirements_file_has_its_own_indexes(write: Write) -> None:
    folder = write(
        {
            "requirements.txt": "# -i https://comment.example/\n"
            "--extra-index-url https://gone.example/\n"
            "-i https://${WHO}:${SECRET}@h.example/simple  # the index\n"
            "-r more.txt\nacme-core>=1 --hash=sha256:00\n",
            "more.txt": "--extra-index-url=https://extra.example/ \\\n  --pre\nrequests\n",
            "config/pip/pip.conf": "[global]\nextra-index-url = https://conf.example/\n",
        }
    )
    manifest = load(folder, WHO="ada", SECRET="s3cret")
    assert urls(manifest) == ["https://h.example/simple", "https://extra.example/"]
    assert logins(manifest)[0] == ("ada", "s3cret")
    assert places(manifest) == ["requirements.txt:3", "more.txt:1"]
    assert [raw.name for raw in manifest.requirements()] == ["requests", "acme-core"]
    assert manifest.prerelease_mode() == "allow"


def test_pip_requirements_files_that_include_each_other_end(write: Write) -> None:
    folder = write({"requirements.txt": "-r a.txt\n", "a.txt": "-r requirements.txt\ndemo\n"})
    assert [raw.name for raw in load(folder).requirements()] == ["demo"]


def test_pip_too_many_requirements_files_are_refused(write: Write) -> None:
    files = {f"{number}.txt": f"-r {number + 1}.txt\n" for number in range(101)}
    with pytest.raises(ManifestError, match="more than 100 files"):
        load(write({"requirements.txt": "-r 0.txt\n", **files}))


POETRY = """
[tool.poetry.dependencies]
python = "^3.9"
demo = { version = "^1", source = "hidden" }

[[tool.poetry.source]]
name = "later"
url = "https://later.example/simple/"
priority = "supplemental"

[[tool.poetry.source]]
name = "acme.corp"
url = "https://acme.example/simple/"

[[tool.poetry.source]]
name = "hidden"
url = "https://hidden.example/simple/"
priority = "explicit"
"""


def test_poetry_primary_source_replaces_pypi(write: Write) -> None:
    manifest = load(write({"pyproject.toml": POETRY}))
    assert manifest.tool == "poetry"
    assert urls(manifest) == ["https://acme.example/simple/", "https://later.example/simple/"]
    assert places(manifest) == ["pyproject.toml:13", "pyproject.toml:8"]
    assert [index.url for index in manifest.own_indexes()] == ["https://hidden.example/simple/"]
    services = ("poetry-repository-acme.corp", "https://acme.example/simple", "acme.example")
    assert manifest.indexes()[0].declaration.services == services


def test_poetry_unknown_source_is_refused_without_a_secret(write: Write) -> None:
    text = "[tool.poetry.dependencies]\nx={source='https://ada:s3cret@h'}\n"
    with pytest.raises(ManifestError, match="there is no source 'https://\\*\\*\\*\\*@h'"):
        load(write({"pyproject.toml": text}), "poetry")


def test_poetry_login_is_in_a_variable_or_in_auth_toml(write: Write) -> None:
    auth = "[http-basic.later]\nusername = 'eve'\npassword = 's3cret'\n"
    folder = write({"pyproject.toml": POETRY, "config/pypoetry/auth.toml": auth})
    manifest = load(
        folder,
        POETRY_HTTP_BASIC_ACME_CORP_USERNAME="ada",
        POETRY_HTTP_BASIC_ACME_CORP_PASSWORD="pw",
    )
    assert logins(manifest) == [("ada", "pw"), ("eve", "s3cret")]
    later = manifest.indexes()[1].declaration
    assert later.login_in.endswith("auth.toml:1")


PDM = """
[project]
name = "demo"
dependencies = ["acme-core"]

[[tool.pdm.source]]
name = "acme"
url = "https://${WHO}:${SECRET}@acme.example/simple"
"""


def test_pdm_source_is_expanded_from_the_environment(write: Write) -> None:
    folder = write({"pyproject.toml": PDM})
    manifest = load(folder, WHO="ada", SECRET="s3cret")
    assert manifest.tool == "pdm"
    assert urls(manifest) == [PYPI, "https://acme.example/simple"]
    assert logins(manifest)[1] == ("ada", "s3cret")
    assert load(folder).indexes()[1].placeholder == "the password"


def test_pdm_variable_stays_in_the_userinfo(write: Write) -> None:
    text = "[[tool.pdm.source]]\nname = 'acme'\nurl = 'https://ada:${PW}@acme.example/${PW}/'\n"
    manifest = load(write({"pyproject.toml": text}), PW="s3/cret@evil.example:1?x#y")
    index = manifest.indexes()[1]
    assert index.password == "s3/cret@evil.example:1?x#y"
    assert index.url == "https://acme.example/${PW}/"


def test_pdm_configuration_adds_logins_and_sources(write: Write) -> None:
    stored = "[pypi.acme]\nusername = 'eve'\npassword = 's3cret'\n[pypi.more]\nurl = 'https://m'\n"
    text = "[[tool.pdm.source]]\nname = 'acme'\nurl = 'https://acme.example/'\n"
    folder = write({"pyproject.toml": text, "config/pdm/config.toml": stored})
    manifest = load(folder, PDM_PYPI_URL="https://pypi.example/", PDM_PYPI_USERNAME="ada")
    assert urls(manifest) == ["https://pypi.example/", "https://acme.example/", "https://m"]
    assert logins(manifest) == [("ada", None), ("eve", "s3cret"), (None, None)]
    assert places(manifest) == ["PDM_PYPI_URL", "pyproject.toml:3", "config/pdm/config.toml:5"]


def test_pip_empty_value_is_ignored_and_hides_a_weaker_file(write: Write) -> None:
    folder = write(
        {
            "requirements.txt": "",
            "system/pip/pip.conf": "[global]\nindex-url = https://system.example/\n",
            "config/pip/pip.conf": "[global]\nindex-url =\n",
        }
    )
    assert urls(load(folder)) == [PYPI]


# The tool


def test_pixi_comes_first_if_it_declares_indexes(write: Write) -> None:
    pixi = "[tool.pixi.workspace]\nchannels = []\n[tool.pixi.pypi-options]\nindex-url='https://x'\n"
    manifest = load(write({"pyproject.toml": UV + pixi}))
    assert (manifest.tool, manifest.other_tools) == ("pixi", ("uv",))
    assert Manifest.load(manifest.folder, "uv").tool == "uv"


def test_uv_comes_before_a_pixi_that_declares_nothing(write: Write) -> None:
    pixi = "[tool.pixi.workspace]\nchannels = ['conda-forge']\n"
    manifest = load(write({"pyproject.toml": UV + pixi}))
    assert (manifest.tool, manifest.other_tools) == ("uv", ("pixi",))


@pytest.mark.parametrize(
    ("name", "tool"),
    [("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm")],
)
def test_lock_file_tells_the_tool_of_a_bare_pyproject(write: Write, name: str, tool: str) -> None:
    folder = write({"pyproject.toml": "[project]\nname='x'\n", name: ""})
    assert load(folder).tool == tool


def test_bare_pyproject_needs_a_named_tool(write: Write) -> None:
    folder = write({"pyproject.toml": "[project]\nname='x'\ndependencies=['demo']\n"})
    assert not Manifest.is_in(str(folder))
    assert load(folder, "pip").requirements()[0].name == "demo"


def test_unknown_tool_is_refused(write: Write) -> None:
    with pytest.raises(ManifestError, match="expected a tool of pixi, uv, poetry, pdm, pip"):
        load(write({"pyproject.toml": UV}), "conda")


def test_pickle_keeps_the_tool_and_no_secret(write: Write) -> None:
    folder = write({"pyproject.toml": UV + "[tool.pdm]\n"})
    pickled = pickle.dumps(load(folder, "pdm", PDM_PYPI_PASSWORD="s3cret"))
    assert b"s3cret" not in pickled
    assert pickle.loads(pickled).tool == "pdm"


# Outside a project


def of_user(folder: Path, tool: str | None = None, **environ: str) -> Manifest:
    paths = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "config")}
    paths["XDG_CONFIG_DIRS"] = str(folder / "system")
    return Manifest.of_user(tool, environ={**paths, **environ})


def test_user_configuration_is_that_of_pip_and_uv(write: Write) -> None:
    folder = write({"config/pip/pip.conf": "[global]\nindex-url = https://ada:s3cret@p.example/\n"})
    alone = of_user(folder)
    assert (alone.tool, alone.path, urls(alone)) == ("pip", "", ["https://p.example/"])
    both = of_user(folder, UV_INDEX="https://u.example/")
    assert (both.tool, urls(both)) == ("pip and uv", ["https://p.example/", "https://u.example/"])
    assert urls(of_user(folder, "uv")) == [PYPI]


def test_user_configuration_of_nothing_is_empty(tmp_path: Path) -> None:
    assert urls(of_user(tmp_path)) == []
