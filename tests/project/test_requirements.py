"""What a project wants from its indexes, on each of its platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from leaks import assert_no_secret

from authshim.errors import ManifestError
from authshim.project.manifest import Dependency, Index, Manifest
from authshim.project.target import Target

if TYPE_CHECKING:
    from pathlib import Path

WORKSPACE = '[workspace]\nchannels = []\nplatforms = ["win-64", "osx-arm64", "linux-64"]\n'

Load = Callable[..., Manifest]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authshim.project.model.current", lambda: Target("linux-64", "3.11.7"))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that reads a text as a pixi.toml for three platforms.

    ``head=""`` leaves its workspace out.
    """

    def write(text: str, *, name: str = "pixi.toml", head: str = WORKSPACE) -> Manifest:
        (tmp_path / name).write_text(head + text, encoding="utf-8")
        return Manifest.load(tmp_path / name)

    return write


def wanted(manifest: Manifest, environment: str | None = "default") -> list[tuple[str, str]]:
    return [(each.name, each.specifier) for each in manifest.dependencies(environment)]


def refused(manifest: Manifest) -> str:
    with pytest.raises(ManifestError) as caught:
        manifest.dependencies()
    assert_no_secret(caught.value)
    return caught.value.reason


def test_dependency_is_a_version_or_a_table(load: Load) -> None:
    manifest = load(
        """
        [pypi-dependencies]
        Any_One = "*"
        ranged = ">=1.2, <2"
        with-extras = { version = "==3", extras = ["b", "a"] }
        bare = {}
        """
    )
    assert [each[:4] for each in manifest.dependencies()] == [
        ("any-one", "", (), None),
        ("ranged", "<2,>=1.2", (), None),
        ("with-extras", "==3", ("a", "b"), None),
        ("bare", "", (), None),
    ]


def test_dependency_from_elsewhere_names_its_origin(load: Load) -> None:
    manifest = load(
        """
        [pypi-dependencies]
        here = { path = ".", editable = true }
        cloned = { git = "https://ada:s3cret@h.example/g", rev = "1" }
        file = { url = "https://ada:s3cret@h.example/file-1.zip" }
        """
    )
    assert [(each.name, each.origin) for each in manifest.dependencies()] == [
        ("here", "path"),
        ("cloned", "git"),
        ("file", "url"),
    ]
    assert "s3cret" not in repr(manifest.dependencies())


def test_dependency_may_name_its_own_index(load: Load) -> None:
    manifest = load(
        "[pypi-dependencies]\n"
        'torch = { version = "*", index = "https://ada:s3cret@h.example/simple" }\n'
    )
    (torch,) = manifest.dependencies()
    assert torch.own_index == Index("https://ada@h.example/simple")
    assert manifest.own_indexes() == (torch.own_index,)
    assert torch.own_index not in manifest.indexes()
    assert "s3cret" not in repr(torch)


def test_own_index_is_listed_once_if_the_project_has_it_too(load: Load) -> None:
    manifest = load(
        '[pypi-dependencies]\na = { version = "*", index = "https://pypi.org/simple" }\n'
    )
    assert manifest.own_indexes() == ()


def test_platform_of_this_machine_comes_first(load: Load) -> None:
    (one,) = load('[pypi-dependencies]\na = "*"\n').dependencies()
    assert one.target == Target("linux-64", "3.11.7", "the project")
    assert one.platforms == ("linux-64", "win-64", "osx-arm64")


def test_project_for_other_platforms_is_chosen_for_its_first(load: Load) -> None:
    manifest = load(
        '[pypi-dependencies]\na = "*"\n', head='[workspace]\nplatforms = ["win-64", "osx-64"]\n'
    )
    assert manifest.target().platform == "win-64"


def test_project_that_names_no_platform_is_for_this_machine(load: Load) -> None:
    manifest = load("", head="[workspace]\nplatforms = []\n")
    assert manifest.target() == Target("linux-64", "3.11.7")


def test_platform_may_be_a_table(load: Load) -> None:
    old = '{ name = "old", platform = "linux-aarch64", glibc = "2.17" }'
    head = f'[workspace]\nplatforms = [{old}, {{ name = "osx-64" }}]\n'
    (one,) = load('[pypi-dependencies]\na = "*"\n', head=head).dependencies()
    assert one.platforms == ("linux-aarch64", "osx-64")


def test_environment_is_for_the_platforms_of_all_its_features(load: Load) -> None:
    manifest = load(
        """
        [feature.a]
        platforms = ["osx-arm64", "win-64"]
        pypi-dependencies = { a = "*" }
        [environments]
        a = ["a"]
        """
    )
    (one,) = manifest.dependencies("a")
    assert one.platforms == ("win-64", "osx-arm64")


@pytest.mark.parametrize(
    ("selector", "platforms"),
    [
        ("win", ("win-64",)),
        ("osx", ("osx-arm64",)),
        ("linux", ("linux-64",)),
        ("unix", ("linux-64", "osx-arm64")),
        ("osx-arm64", ("osx-arm64",)),
        ("linux-aarch64", ()),
    ],
)
def test_target_counts_on_its_platforms(
    selector: str, platforms: tuple[str, ...], load: Load
) -> None:
    found = load(f'[target.{selector}.pypi-dependencies]\na = "*"\n').dependencies()
    assert tuple(platform for each in found for platform in each.platforms) == platforms


def test_entry_of_a_target_replaces_that_of_the_feature(load: Load) -> None:
    manifest = load(
        """
        [pypi-dependencies]
        torch = ">=1"
        [target.osx.pypi-dependencies]
        torch = "==2"
        """
    )
    assert [(each.specifier, each.platforms) for each in manifest.dependencies()] == [
        (">=1", ("linux-64", "win-64")),
        ("==2", ("osx-arm64",)),
    ]


@pytest.mark.parametrize("order", [("unix", "osx", "osx-arm64"), ("osx-arm64", "osx", "unix")])
def test_nearest_target_counts_alone(order: tuple[str, ...], load: Load) -> None:
    tables = (
        f'[target.{selector}.pypi-dependencies]\ntorch = "=={at}"\n'
        for at, selector in enumerate(order)
    )
    found = {each.specifier: each.platforms for each in load("".join(tables)).dependencies()}
    assert found == {
        f"=={order.index('osx-arm64')}": ("osx-arm64",),
        f"=={order.index('unix')}": ("linux-64",),
    }


def test_entries_of_several_features_hold_together(load: Load) -> None:
    manifest = load(
        """
        [pypi-dependencies]
        a = { version = ">=1", extras = ["x"] }
        [feature.f.pypi-dependencies]
        A = { version = "<2", extras = ["y"], index = "https://h.example/simple" }
        [environments]
        f = ["f"]
        """
    )
    assert [each[:4] for each in manifest.dependencies("f")] == [
        ("a", "<2,>=1", ("y", "x"), Index("https://h.example/simple"))
    ]
    assert wanted(manifest) == [("a", ">=1")]
    assert wanted(manifest, None) == [("a", ">=1"), ("a", "<2,>=1")]


def test_entries_that_name_different_indexes_are_refused(load: Load) -> None:
    manifest = load(
        """
        [pypi-dependencies]
        a = { index = "https://ada:s3cret@h.example/simple" }
        [feature.f.pypi-dependencies]
        a = { index = "https://ada:s3cret@i.example/simple" }
        [environments]
        default = ["f"]
        """
    )
    assert refused(manifest) == "a: its entries name different indexes"


@pytest.mark.parametrize(
    "written",
    [
        '"1.2"',
        '"latest"',
        '">=x"',
        f'">={"1" * 1000}"',
        '"https://ada:s3cret@h/"',
        '"s3cret@h"',
        '"s3cret/h"',
        '{ env-markers = "os ==" }',
        # packaging reads these, and fails where it compares.
        "{ env-markers = \"os_name ~= 'x'\" }",
        "{ env-markers = \"'x' in 'y'\" }",
    ],
)
def test_malformed_requirement_is_refused(written: str, load: Load) -> None:
    manifest = load(f"[pypi-dependencies]\na = {written}\n")
    assert_no_secret(manifest.requirements())
    with pytest.raises(ManifestError) as caught:
        manifest.dependencies()
    assert (
        caught.value.reason == "a: expected a requirement such as >=1.2,<2 (or * for any version)"
    )
    assert_no_secret(caught.value)


@pytest.mark.parametrize("name", ["not a name", "-a", "a/b", "a[b]", ""])
def test_malformed_name_is_reported_as_one(name: str, load: Load) -> None:
    assert (
        refused(load(f'[pypi-dependencies]\n"{name}" = ">=1"\n'))
        == f"{name}: it is no package's name"
    )


def test_pyproject_requirement_with_a_url_is_not_kept(load: Load) -> None:
    text = '[project]\ndependencies = ["a https://ada:s3cret@h/"]\n[tool.pixi.workspace]\n'
    manifest = load(text, name="pyproject.toml", head="")
    assert_no_secret(manifest.requirements())
    with pytest.raises(ManifestError) as caught:
        manifest.dependencies()
    assert_no_secret(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a = 3", "[pypi-dependencies] a: expected a version or a table"),
        ("a = { version = 3 }", "[pypi-dependencies.a] version: expected text"),
        ("a = { extras = 'x' }", "[pypi-dependencies.a] extras: expected a list"),
        ("a = { index = 3 }", "[pypi-dependencies] a: expected a URL as the index"),
        (
            "a = { index = 's3cret@h' }",
            "[pypi-dependencies] a: cannot use the URL ****@h: it has no scheme, such as",
        ),
    ],
)
def test_error_names_the_table_and_key(written: str, said: str, load: Load) -> None:
    with pytest.raises(ManifestError) as caught:
        load(f"[pypi-dependencies]\n{written}\n")
    assert caught.value.reason.startswith(said)
    assert_no_secret(caught.value)


GROUPS = (
    "[tool.pixi.workspace]\nchannels = []\n"
    "[tool.pixi.environments]\nt = ['g0']\n[dependency-groups]\n"
)


def test_groups_that_include_a_group_twice_have_it_once(load: Load) -> None:
    doubled = [
        f"g{number} = [{{include-group = 'g{number + 1}'}}, {{include-group = 'g{number + 1}'}}]"
        for number in range(40)
    ]
    manifest = load(GROUPS + "\n".join([*doubled, "g40 = ['a']"]), name="pyproject.toml", head="")
    assert wanted(manifest, "t") == [("a", "")]


def test_groups_in_more_than_fifty_groups_are_refused(load: Load) -> None:
    chain = [f"g{number} = [{{include-group = 'g{number + 1}'}}]" for number in range(51)]
    with pytest.raises(ManifestError) as caught:
        load(GROUPS + "\n".join(chain), name="pyproject.toml", head="")
    assert caught.value.reason == "[dependency-groups] g50: it is included over more than 50 others"


def test_groups_that_come_to_very_many_requirements_are_refused(load: Load) -> None:
    large = ", ".join(f"'a{number}'" for number in range(1000))
    chain = [f"g{number} = [{{include-group = 'g'}}]" for number in range(100)]
    with pytest.raises(ManifestError) as caught:
        load(GROUPS + "\n".join([f"g = [{large}]", *chain]), name="pyproject.toml", head="")
    assert caught.value.reason == "[dependency-groups]: they come to more than 100000 requirements"


def test_environments_that_come_to_very_much_are_refused(load: Load) -> None:
    channels = ", ".join(f"'c{number}'" for number in range(1000))
    environments = "".join(f"e{number} = []\n" for number in range(1000))
    with pytest.raises(ManifestError) as caught:
        load(f"[workspace]\nchannels = [{channels}]\n[environments]\n{environments}", head="")
    assert (
        caught.value.reason
        == "its environments come to more than 1000000 indexes, channels and packages"
    )


def test_project_whose_name_is_no_text_has_none(load: Load) -> None:
    name = "name" + ".a" * 90 + ("={a" + ".a" * 90) * 30 + "=1" + "}" * 30
    manifest = load(
        f"[project]\n{name}\ndependencies = ['a']\n[tool.pixi.workspace]\n",
        name="pyproject.toml",
        head="",
    )
    assert wanted(manifest) == [("a", "")]


def test_platforms_that_are_no_names_are_refused(load: Load) -> None:
    with pytest.raises(ManifestError, match="platforms: expected names, or tables with a platform"):
        load("", head="[workspace]\nplatforms = [3]\n")


# Markers, and the Python they are compared with


@pytest.mark.parametrize(
    ("marker", "platforms"),
    [
        ("sys_platform == 'win32'", ("win-64",)),
        ("platform_system == 'Darwin' and platform_machine == 'arm64'", ("osx-arm64",)),
        ("os_name == 'posix'", ("linux-64", "osx-arm64")),
        ("python_version < '3.11'", ()),
        ("python_full_version == '3.11.7'", ("linux-64", "win-64", "osx-arm64")),
        ("implementation_name == 'cpython'", ("linux-64", "win-64", "osx-arm64")),
    ],
)
def test_marker_is_compared_with_each_platform(
    marker: str, platforms: tuple[str, ...], load: Load
) -> None:
    found = load(
        f'[pypi-dependencies]\na = {{ version = "*", env-markers = "{marker}" }}\n'
    ).dependencies()
    assert tuple(platform for each in found for platform in each.platforms) == platforms


@pytest.mark.parametrize(
    ("dependencies", "python", "python_from"),
    [
        ('python = "3.12.*"', "3.12", "the project"),
        ('python = { version = ">=3.9,<3.13", channel = "x" }', "3.12", "the project"),
        ('python = ">=3.9"', "3.11.7", "this interpreter"),
        ('python = "*"', "3.11.7", "this interpreter"),
        ("python = { path = 'x' }", "3.11.7", "this interpreter"),
        ('python = "x.y.z"', "3.11.7", "this interpreter"),
        ("", "3.11.7", "this interpreter"),
    ],
)
def test_python_follows_the_spec_of_conda(
    dependencies: str, python: str, python_from: str, load: Load
) -> None:
    target = load(f"[dependencies]\n{dependencies}\n").target()
    assert (target.python, target.python_from) == (python, python_from)


def test_python_of_a_target_counts_on_its_platform_only(load: Load) -> None:
    manifest = load(
        """
        [dependencies]
        python = "3.12.*"
        [target.win.dependencies]
        python = "3.10.*"
        [pypi-dependencies]
        a = "*"
        """
    )
    assert [
        (each.target and each.target.python, each.platforms) for each in manifest.dependencies()
    ] == [
        ("3.12", ("linux-64", "osx-arm64")),
        ("3.10", ("win-64",)),
    ]


def test_pythons_of_several_features_hold_together(load: Load) -> None:
    manifest = load(
        """
        [dependencies]
        python = ">=3.9"
        [feature.f.dependencies]
        python = "<3.11"
        [environments]
        f = ["f"]
        """
    )
    assert manifest.target("f").python == "3.10"


# pyproject.toml

PYPROJECT = """
[project]
name = "Demo.App"
requires-python = ">=3.9,<3.13"
dependencies = [
    "Private_Lib[extra]>=1", "direct @ https://ada:s3cret@h/d.whl",
    " spaced ; python_version < '4'", "demo-app",
    "elsewhere @ https://ada:s3cret@h/e.whl ; sys_platform == 'win32'", "old; python_version < '3'",
]
[project.optional-dependencies]
my_docs = ["sphinx", "demo-app[x]"]
[dependency-groups]
dev = [
    "pytest", { include-group = "Lint.All" }, { include-group = "nowhere" },
    { include-group = 3 }, 3,
]
lint-all = ["ruff>=0.1"]
[tool.pixi.workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[tool.pixi.pypi-dependencies]
Root = "*"
here = { path = ".", editable = true }
[tool.pixi.environments]
ml = ["dev"]
docs = ["my-docs"]
bare = { features = ["my_docs"], no-default-feature = true }
"""


@pytest.fixture
def pyproject(load: Load) -> Manifest:
    return load(PYPROJECT, name="pyproject.toml", head="")


def test_requirements_of_a_pyproject_count_as_well(pyproject: Manifest) -> None:
    assert [
        (each.name, each.specifier, each.extras, each.origin) for each in pyproject.dependencies()
    ] == [
        ("private-lib", ">=1", ("extra",), ""),
        ("direct", "", (), "url"),
        ("spaced", "", (), ""),
        ("root", "", (), ""),
        ("here", "", (), "path"),
    ]


def test_all_the_entries_of_a_name_that_hold_hold_together(load: Load) -> None:
    text = (
        '[project]\ndependencies = ["a>=1", "a[x]<3", "a!=2; python_version < \'3\'"]\n'
        "[tool.pixi.workspace]\n"
    )
    (one,) = load(text, name="pyproject.toml", head="").dependencies()
    assert (one.specifier, one.extras) == (">=1,<3", ("x",))


def test_dependency_group_is_a_feature_and_may_include_another(pyproject: Manifest) -> None:
    assert wanted(pyproject, "ml")[:2] == [("pytest", ""), ("ruff", ">=0.1")]


def test_optional_dependencies_are_a_feature_without_the_project_itself(
    pyproject: Manifest,
) -> None:
    assert wanted(pyproject, "bare") == [("sphinx", "")]
    assert wanted(pyproject, "docs")[0] == ("sphinx", "")


def test_requires_python_counts_where_the_project_s_own_feature_does(pyproject: Manifest) -> None:
    assert (pyproject.target().python, pyproject.target().python_from) == ("3.12", "the project")
    assert pyproject.target("bare").python == "3.11.7"


def test_conda_s_python_comes_before_requires_python(load: Load) -> None:
    text = PYPROJECT + '[tool.pixi.dependencies]\npython = "3.10.*"\n'
    assert load(text, name="pyproject.toml", head="").target().python == "3.10"


def test_group_that_includes_itself_is_refused(load: Load) -> None:
    text = (
        "[tool.pixi.workspace]\n[dependency-groups]\n"
        'a = [{ include-group = "b" }]\nb = [{ include-group = "a" }]\n'
    )
    with pytest.raises(ManifestError, match=r"\[dependency-groups\] a: it includes itself"):
        load(text, name="pyproject.toml", head="")


def test_pyproject_requirement_holds_no_secret(pyproject: Manifest) -> None:
    assert_no_secret([*pyproject.dependencies(None)])


def test_dependency_without_a_machine_is_one_by_name_only() -> None:
    assert Dependency("a").platforms == ()


def test_requirement_without_a_name_is_ignored(load: Load) -> None:
    text = '[project]\ndependencies = ["", ">=1", 3, "a"]\n[tool.pixi.workspace]\n'
    assert wanted(load(text, name="pyproject.toml", head="")) == [("a", "")]
