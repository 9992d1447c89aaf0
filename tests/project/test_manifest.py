"""A project's manifest is read as pixi reads it."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import Callable

import pytest
from leaks import assert_no_secret

from authshim.errors import ManifestError, UrlError
from authshim.project.manifest import Channel, Index, Manifest

PYPI = "https://pypi.org/simple"
HEAD = '[workspace]\nname = "demo"\nchannels = ["conda-forge"]\nplatforms = []\n'

Load = Callable[..., Manifest]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """``load(text)`` reads it as a pixi.toml with a workspace; ``head=""`` without one."""

    def write(
        text: str, *, name: str = "pixi.toml", head: str = HEAD, tool: str | None = None
    ) -> Manifest:
        (tmp_path / name).write_text(head + text, encoding="utf-8")
        return Manifest.load(tmp_path / name, tool)

    return write


@pytest.fixture
def refused(load: Load) -> Callable[..., str]:
    """``refused(text)`` is what is said of it; no secret is in the error."""

    def read(text: str, **options: str) -> str:
        with pytest.raises(ManifestError) as caught:
            load(text, **options)
        assert_no_secret(caught.value)
        assert str(caught.value) == f"{caught.value.path}: {caught.value.reason}"
        return caught.value.reason

    return read


def urls(manifest: Manifest, environment: str | None = "default") -> list[str]:
    return [index.url for index in manifest.indexes(environment)]


def channels(manifest: Manifest, environment: str | None = "default") -> list[str]:
    return [channel.url for channel in manifest.channels(environment)]


# Which file


def test_folder_pixi_toml_comes_before_its_pyproject_toml(load: Load, tmp_path: Path) -> None:
    load("", name="pyproject.toml", head="[tool.pixi.workspace]\n")
    assert Manifest.load(tmp_path).path == str(tmp_path / "pyproject.toml")
    load("")
    assert Manifest.load(str(tmp_path)).path == str(tmp_path / "pixi.toml")
    assert Manifest.load(tmp_path).folder == str(tmp_path)


def test_pyproject_without_pixi_is_no_manifest(tmp_path: Path, refused: Callable[..., str]) -> None:
    said = refused("", name="pyproject.toml", head="[project]\n")
    assert said.startswith("there is no [tool.pixi], [tool.uv]")
    with pytest.raises(ManifestError, match="there is no project of pixi, uv"):
        Manifest.load(tmp_path)


def test_relative_path_becomes_absolute(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("")
    monkeypatch.chdir(tmp_path)
    assert Manifest.load("pixi.toml").path == str(tmp_path / "pixi.toml")


def test_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no such file"):
        Manifest.load(tmp_path / "pixi.toml")


def test_file_of_another_name_is_refused(refused: Callable[..., str]) -> None:
    assert "expected a file named pixi.toml" in refused("", name="config.toml")


def test_package_without_its_workspace_is_refused(refused: Callable[..., str]) -> None:
    said = refused('[package]\nname = "x"\n', head="")
    assert said.startswith("there is no [workspace] table; ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pixi.toml")
    with pytest.raises(ManifestError, match="it is not a regular file"):
        Manifest.load(tmp_path)


def test_toml_1_1_and_a_byte_order_mark_are_read(load: Load) -> None:
    manifest = load(
        '[pypi-options]\nfind-links = [{\n  url = "https://h/flat",\n}]\n', head="\ufeff" + HEAD
    )
    assert urls(manifest) == [PYPI, "https://h/flat"]


# Indexes


def test_project_without_options_has_pypi(load: Load) -> None:
    assert load("").indexes() == (Index(PYPI),)


def test_extra_indexes_come_before_the_index_and_flat_pages_last(load: Load) -> None:
    manifest = load(
        """
        [pypi-options]
        find-links = [{ url = "https://flat/" }]
        index-url = "https://main/simple/"
        extra-index-urls = ["https://a/simple", "https://b/simple"]
        """
    )
    assert urls(manifest) == [
        "https://a/simple",
        "https://b/simple",
        "https://main/simple/",
        "https://flat/",
    ]
    assert [index.flat for index in manifest.indexes()] == [False, False, False, True]


def test_find_links_may_be_a_path(load: Load, tmp_path: Path) -> None:
    manifest = load('[pypi-options]\nfind-links = [{ path = "../wheel house" }]\n')
    assert urls(manifest)[1] == (tmp_path.parent / "wheel house").as_uri()


FEATURES = """
[workspace.pypi-options]
index-url = "https://base/simple"
extra-index-urls = ["https://base-extra/simple"]
[pypi-options]
extra-index-urls = ["https://root/simple", "https://base-extra/simple"]
[feature.ml.pypi-options]
index-url = "https://ml/simple"
extra-index-urls = ["https://ml-extra/simple"]
[feature.docs.pypi-options]
index-url = "https://ml/simple"
[environments]
ml = ["ml", "docs"]
bare = { features = ["ml"], no-default-feature = true }
inline = { features = ["docs"], pypi-options = { extra-index-urls = ["https://own/simple"] } }
"""


def test_base_and_the_root_options_make_the_default_environment(load: Load) -> None:
    assert urls(load(FEATURES)) == [
        "https://base-extra/simple",
        "https://root/simple",
        "https://base/simple",
    ]


def test_feature_index_beats_the_base_and_lists_join(load: Load) -> None:
    assert urls(load(FEATURES), "ml") == [
        "https://base-extra/simple",
        "https://ml-extra/simple",
        "https://root/simple",
        "https://ml/simple",
    ]


def test_workspace_options_stay_if_there_is_no_default_feature(load: Load) -> None:
    assert urls(load(FEATURES), "bare") == [
        "https://base-extra/simple",
        "https://ml-extra/simple",
        "https://ml/simple",
    ]


def test_environment_own_options_come_first(load: Load) -> None:
    assert urls(load(FEATURES), "inline")[:3] == [
        "https://base-extra/simple",
        "https://own/simple",
        "https://root/simple",
    ]


def test_all_environments_join_without_duplicates(load: Load) -> None:
    joined = urls(load(FEATURES), None)
    assert joined[:3] == ["https://base-extra/simple", "https://root/simple", "https://base/simple"]
    assert len(joined) == len(set(joined)) == 6


def test_environments_are_listed_default_first(load: Load) -> None:
    assert load(FEATURES).environments == ("default", "ml", "bare", "inline")


def test_default_environment_may_have_features(load: Load) -> None:
    manifest = load(
        '[feature.a.pypi-options]\nindex-url = "https://a/simple"\n'
        '[environments]\nb = []\ndefault = ["a"]\n'
    )
    assert manifest.environments == ("default", "b")
    assert urls(manifest) == ["https://a/simple"]


def test_older_project_table_is_the_workspace(load: Load) -> None:
    manifest = load(
        'pypi-options = { index-url = "https://a/simple" }\n', head='[project]\nchannels = ["x"]\n'
    )
    assert urls(manifest) == ["https://a/simple"]
    assert channels(manifest) == ["https://conda.anaconda.org/x"]


def test_features_that_disagree_are_both_named(refused: Callable[..., str]) -> None:
    said = refused(
        """
        [pypi-options]
        index-url = "https://ada:s3cret@a/simple"
        [feature.ml.pypi-options]
        index-url = "https://ada:s3cret2@a/simple"
        [environments]
        gpu = ["ml"]
        """
    )
    assert said == (
        "in the environment 'gpu' the features 'ml' and 'default' "
        "name different index-urls in their pypi-options"
    )


def test_unknown_environment_is_an_error_that_names_the_known_ones(load: Load) -> None:
    manifest = load(FEATURES)
    for ask in (
        manifest.indexes,
        manifest.channels,
        manifest.dependencies,
        manifest.own_indexes,
        manifest.requirements,
    ):
        with pytest.raises(
            ManifestError, match="no environment 'prod'; it has default, ml, bare, inline"
        ):
            ask("prod")


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("index-strategy", "unsafe-best-match", "first-index"),
        ("prerelease-mode", "allow", "disallow"),
    ],
)
def test_features_may_say_only_one_strategy_and_mode(
    key: str, one: str, other: str, refused: Callable[..., str]
) -> None:
    said = refused(
        f"""
        [feature.a.pypi-options]
        {key} = "{one}"
        [feature.b.pypi-options]
        {key} = "{other}"
        [environments]
        both = ["a", "b"]
        """
    )
    assert said.startswith("in the environment 'both' the features 'a' and 'b' name different ")


def test_strategy_and_mode_of_a_feature_override_the_workspace(load: Load) -> None:
    manifest = load(
        """
        [workspace.pypi-options]
        index-strategy = "unsafe-first-match"
        prerelease-mode = "allow"
        [feature.a.pypi-options]
        index-strategy = "unsafe-best-match"
        prerelease-mode = "explicit"
        [environments]
        a = ["a"]
        """
    )
    assert (manifest.index_strategy(), manifest.prerelease_mode()) == (
        "unsafe-first-match",
        "allow",
    )
    assert (manifest.index_strategy("a"), manifest.prerelease_mode("a")) == (
        "unsafe-best-match",
        "explicit",
    )


def test_pixi_s_own_strategy_and_mode_are_taken_where_a_project_names_none(load: Load) -> None:
    manifest = load("")
    assert (manifest.index_strategy(), manifest.prerelease_mode()) == (
        "first-index",
        "if-necessary-or-explicit",
    )


@pytest.mark.parametrize("key", ["index-strategy", "prerelease-mode"])
def test_unknown_strategy_or_mode_is_refused_with_the_known_ones(
    key: str, refused: Callable[..., str]
) -> None:
    said = refused(f'[pypi-options]\n{key} = "always"\n')
    assert said.startswith(f"[pypi-options] {key}: expected one of ")


def test_extra_index_may_be_a_table(load: Load) -> None:
    manifest = load(
        '[pypi-options]\nextra-index-urls = [{ url = "https://a/simple", exclude-newer = false }]\n'
    )
    assert urls(manifest) == ["https://a/simple", PYPI]


def test_unknown_feature_is_an_error(refused: Callable[..., str]) -> None:
    assert refused('[environments]\na = ["b"]\n') == "[environments] a: there is no feature 'b'"


def test_feature_listed_twice_is_an_error(refused: Callable[..., str]) -> None:
    assert (
        refused('[feature.b]\n[environments]\na = ["b", "b"]\n')
        == "[environments] a: a feature is listed twice"
    )


# URLs and who is in them


def test_userinfo_leaves_the_url_and_is_decoded_once(load: Load) -> None:
    (index,) = load(
        '[pypi-options]\nindex-url = "https://a%40b:s3cret%25@h.example/simple/?x=1"\n'
    ).indexes()
    assert (index.url, index.username, index.password) == (
        "https://h.example/simple/?x=1",
        "a@b",
        "s3cret%",
    )
    assert (
        repr(index)
        == "Index(url='https://h.example/simple/?****', username='a@b', password=****, flat=False)"
    )
    assert_no_secret(index)


def test_token_as_the_username_is_not_shown() -> None:
    assert_no_secret(repr(Index("https://s3cret:@h/simple")))


def test_username_alone_has_no_password() -> None:
    index = Index("https://oauth2accesstoken@h/simple")
    assert (index.username, index.password) == ("oauth2accesstoken", None)
    assert "oauth2accesstoken" in repr(index)


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        (
            "https://ada@<location>-python.pkg.dev/<project>/<repository>/simple",
            "https://<location>-python.pkg.dev/<project>/<repository>/simple",
        ),
        (
            "https://ada@h/{organization}/{feed}/pypi/simple/",
            "https://h/{organization}/{feed}/pypi/simple/",
        ),
        ("https://ada@${HOST}/simple", "https://${HOST}/simple"),
        ("https://ada@[::1]:8080/simple", "https://[::1]:8080/simple"),
        ("https://ada@bob@h/simple", "https://h/simple"),
        ("https://h/@scope/simple", "https://h/@scope/simple"),
        ("file:///srv/simple", "file:///srv/simple"),
    ],
)
def test_url_is_kept_as_written_less_the_userinfo(url: str, bare: str, load: Load) -> None:
    assert urls(load(f'[pypi-options]\nindex-url = "{url}"\n')) == [bare]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "it has no scheme, such as https://"),
        ("h.example/simple", "it has no scheme, such as https://"),
        ("ada:s3cret@h.example/simple", "it has no scheme, such as https://"),
        ("https:/ada:s3cret@h.example/simple", "it has no scheme, such as https://"),
        ("../simple", "it has no scheme, such as https://"),
        ("https:///simple", "it has no host"),
        ("https://ada:s3cret@/simple", "it has no host"),
        ("https://:8080/simple", "it has no host"),
        ("https:///ada:s3cret@h/simple", "it has no host"),
        (r"https://h\\@evil/simple", "it has a backslash"),
        ("https://ada%0As3cret@h/simple", "it has a control character (a line break, perhaps)"),
        ("https://ada:s3cret%00@h/simple", "it has a control character (a line break, perhaps)"),
        (r"https://h/\n/simple", "it has a control character (a line break, perhaps)"),
    ],
)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[pypi-options]\nindex-url = "{}"', "[pypi-options] index-url"),
        (
            '[feature.ml.pypi-options]\nextra-index-urls = ["{}"]',
            "[feature.ml.pypi-options] extra-index-urls",
        ),
        (
            '[workspace.pypi-options]\nfind-links = [{{url = "{}"}}]',
            "[workspace.pypi-options] find-links",
        ),
    ],
)
def test_malformed_url_is_reported_by_table_and_key(
    url: str, reason: str, text: str, place: str, refused: Callable[..., str]
) -> None:
    said = refused(text.format(url) + "\n")
    assert said.startswith(f"{place}: cannot use the URL ")
    assert said.endswith(reason)


def test_repository_is_equal_by_url_username_and_kind() -> None:
    assert Index("https://a:x@h/") == Index("https://a:y@h/")
    assert Index("https://a@h/") != Index("https://b@h/")
    assert Index("https://h/") != Index("https://h/", flat=True)
    assert Index("https://h") != Channel("https://h")
    assert len({Index("https://h/"), Index("https://h/")}) == 1


def test_repository_cannot_be_changed() -> None:
    index = Index("https://ada:s3cret@h/")
    for change in (
        lambda: setattr(index, "url", ""),
        lambda: delattr(index, "url"),
        lambda: setattr(index, "x", 1),
    ):
        with pytest.raises(AttributeError):
            change()
    assert copy.deepcopy(index).password == copy.copy(index).password == "s3cret"


@pytest.mark.parametrize(
    "place", [Index("https://ada:s3cret@h/f", flat=True), Channel("https://ada:s3cret@h/c")]
)
def test_repository_is_pickled_without_its_password(place: Index | Channel) -> None:
    assert_no_secret(place)
    landed = pickle.loads(pickle.dumps(place))
    assert landed == place
    assert landed.password is None


def test_repository_without_a_url_is_a_url_error() -> None:
    with pytest.raises(UrlError, match=r"cannot use the URL \*\*\*\*@h: it has no scheme"):
        Index("ada:s3cret@h")


# Channels


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("conda-forge", "https://conda.anaconda.org/conda-forge"),
        ("conda-forge/label/dev/", "https://conda.anaconda.org/conda-forge/label/dev"),
        ("https://repo.prefix.dev/acme/", "https://repo.prefix.dev/acme"),
        ("https://h.example", "https://h.example"),
        ("s3://bucket/acme", "s3://bucket/acme"),
        ("oci://ghcr.io/acme", "oci://ghcr.io/acme"),
        ("file:///srv/acme", "file:///srv/acme"),
        ("https://h/t/tk-1/acme", "https://h/t/tk-1/acme"),
    ],
)
def test_channel_is_a_name_or_a_url(written: str, url: str, load: Load) -> None:
    assert channels(load("", head=f'[workspace]\nchannels = ["{written}"]\n')) == [url]


def test_channel_may_be_a_path(load: Load, tmp_path: Path, home: Path) -> None:
    manifest = load("", head='[workspace]\nchannels = ["./a", "/srv/b", "~/c", "../d"]\n')
    assert channels(manifest) == [
        (tmp_path / "a").as_uri(),
        Path("/srv/b").as_uri(),
        (home / "c").as_uri(),
        (tmp_path.parent / "d").as_uri(),
    ]


def test_channel_secrets_are_not_shown(load: Load) -> None:
    head = '[workspace]\nchannels = ["https://ada:s3cret@h/acme", "https://h/t/s3cret/acme"]\n'
    first, second = load("", head=head).channels()
    assert (first.url, first.username, first.password) == ("https://h/acme", "ada", "s3cret")
    assert repr(first) == "Channel(url='https://h/acme', username='ada', password=****)"
    assert repr(second) == "Channel(url='https://h/t/****/acme', username=None, password=None)"


def test_channels_of_a_higher_priority_come_first(load: Load) -> None:
    manifest = load(
        """
        [feature.a]
        channels = ["a", { channel = "top", priority = 1 }]
        [feature.b]
        channels = [{ channel = "low", priority = -1 }, "conda-forge", "b"]
        [environments]
        all = ["a", "b"]
        bare = { features = ["b"], no-default-feature = true }
        """
    )
    named = [url.rpartition("/")[2] for url in channels(manifest, "all")]
    assert named == ["top", "a", "conda-forge", "b", "low"]
    assert [url.rpartition("/")[2] for url in channels(manifest, "bare")] == [
        "conda-forge",
        "b",
        "low",
    ]
    assert channels(manifest) == ["https://conda.anaconda.org/conda-forge"]


def test_feature_without_channels_has_those_of_the_workspace(load: Load) -> None:
    manifest = load(
        """
        [feature.a.pypi-options]
        [feature.b]
        channels = ["b"]
        [environments]
        both = { features = ["a", "b"], no-default-feature = true }
        inline = { channels = ["own"], features = ["b"] }
        """
    )
    assert [url.rpartition("/")[2] for url in channels(manifest, "both")] == ["conda-forge", "b"]
    assert [url.rpartition("/")[2] for url in channels(manifest, "inline")] == [
        "own",
        "b",
        "conda-forge",
    ]
    assert len(channels(manifest, None)) == 3


@pytest.mark.parametrize("written", ["ada:s3cret@h.example/acme", "", r"a\\b", r"a\nb"])
def test_channel_that_is_neither_name_nor_url_is_refused(
    written: str, refused: Callable[..., str]
) -> None:
    said = refused("", head=f'[workspace]\nchannels = ["{written}"]\n')
    assert said.startswith("[workspace] channels: cannot use the URL ")


# pyproject.toml

PYPROJECT = """
[project]
name = "Demo.App"
dependencies = [
    "Private_Lib[extra]>=1", "direct @ https://ada:s3cret@h/d.whl",
    " spaced ; python_version < '4'", "demo-app",
]
[project.optional-dependencies]
my_docs = ["sphinx"]
[dependency-groups]
dev = ["pytest", { include-group = "x" }]
[tool.pixi.workspace]
channels = ["conda-forge"]
[tool.pixi.pypi-options]
index-url = "https://a/simple"
[tool.pixi.feature.ml.pypi-options]
extra-index-urls = ["https://ml/simple"]
[tool.pixi.pypi-dependencies]
Root = "*"
here = { path = ".", editable = true }
[tool.pixi.environments]
ml = ["ml", "dev"]
docs = ["my-docs"]
"""


def test_pyproject_tables_lie_under_tool_pixi(load: Load) -> None:
    manifest = load(PYPROJECT, name="pyproject.toml", head="")
    assert urls(manifest) == ["https://a/simple"]
    assert urls(manifest, "ml") == ["https://ml/simple", "https://a/simple"]
    assert channels(manifest) == ["https://conda.anaconda.org/conda-forge"]
    assert manifest.warnings == ()


def test_table_of_a_pyproject_is_named_with_its_whole_place(refused: Callable[..., str]) -> None:
    said = refused(
        "pypi-options.index-url = 3", name="pyproject.toml", head="[tool.pixi.workspace]\n"
    )
    assert said == "[tool.pixi.workspace.pypi-options] index-url: expected a URL"


# Wrong types


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pypi-options = 's3cret'", "[workspace.pypi-options]: expected a table"),
        ("channels = 's3cret'", "[workspace] channels: expected a list"),
        (
            "channels = [1]",
            "[workspace] channels: expected names or URLs, or tables with a channel",
        ),
        (
            "channels = [{priority = 1}]",
            "[workspace] channels: expected names or URLs, or tables with a channel",
        ),
        (
            "channels = [{channel = 's3cret', priority = true}]",
            "[workspace] channels: expected a whole number as the priority",
        ),
        (
            "pypi-options.index-url = ['s3cret']",
            "[workspace.pypi-options] index-url: expected a URL",
        ),
        (
            "pypi-options.extra-index-urls = 's3cret'",
            "[workspace.pypi-options] extra-index-urls: expected a list",
        ),
        (
            "pypi-options.extra-index-urls = [1]",
            "[workspace.pypi-options] extra-index-urls: expected a URL",
        ),
        (
            "pypi-options.find-links = ['s3cret']",
            "[workspace.pypi-options] find-links: expected tables with a url or a path",
        ),
        (
            "pypi-options.find-links = [{path='s3cret', url='x'}]",
            "[workspace.pypi-options] find-links: expected tables with a url or a path",
        ),
        (
            "pypi-options.find-links = [{path='https://ada:s3cret@h.example/x'}]",
            "[workspace.pypi-options] find-links: expected a path, not a URL, as the path",
        ),
        (
            "pypi-options.find-links = [{path=1}]",
            "[workspace.pypi-options] find-links: expected text as the path",
        ),
        ("[feature]\nml = 1", "[feature.ml]: expected a table"),
        ("[[feature]]", "[feature]: expected a table"),
        (
            "[feature.ml]\npypi-dependencies = []",
            "[feature.ml.pypi-dependencies]: expected a table",
        ),
        (
            "[environments]\na = 's3cret'",
            "[environments] a: expected a list of features, or a table",
        ),
        ("[environments]\na = [1]", "[environments.a] features: expected a list of text"),
        (
            "[environments.a]\nno-default-feature = 's3cret'",
            "[environments.a] no-default-feature: expected true or false",
        ),
    ],
)
def test_wrong_type_is_reported_by_table_and_key(
    text: str, said: str, refused: Callable[..., str]
) -> None:
    assert refused(text + "\n", head="[workspace]\n") == said


def test_workspace_that_is_not_a_table_is_refused(refused: Callable[..., str]) -> None:
    assert refused("workspace = 3\n", head="") == "[workspace]: expected a table"


# Options in a table where pixi does not read them


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("[target.linux-64.pypi-options]", "target.linux-64.pypi-options", "[pypi-options]"),
        (
            "[feature.ml.target.win.pypi-options]",
            "feature.ml.target.win.pypi-options",
            "[feature.ml.pypi-options]",
        ),
        ("[dependencies.pypi-options]", "dependencies.pypi-options", "[pypi-options]"),
        ("[package.pypi-options]", "package.pypi-options", "[pypi-options]"),
        ("[features.ml.pypi-options]", "features.ml.pypi-options", "[feature.ml.pypi-options]"),
        ("[tool.pypi-options]", "tool.pypi-options", "[pypi-options]"),
        ("[tool.pixi.pypi-options]", "tool.pixi.pypi-options", "[pypi-options]"),
        ("[pypi-config]", "pypi-config", "the file .pixi/config.toml"),
        ("index-url = 'https://ada:s3cret@h/'", "workspace.index-url", "[workspace.pypi-options]"),
        (
            "[feature.ml]\nextra-index-urls = []",
            "feature.ml.extra-index-urls",
            "[feature.ml.pypi-options]",
        ),
        (
            "[pypi-options]\nindex_url = 's3cret'",
            "pypi-options.index_url",
            "index-url in [pypi-options]",
        ),
        (
            "[pypi-options]\nextra-index-url = 's3cret'",
            "pypi-options.extra-index-url",
            "extra-index-urls in [pypi-options]",
        ),
        ("[[tool.uv.index]]\nurl = 'https://ada:s3cret@h/'", "tool.uv.index", "[pypi-options]"),
        ("[tool.uv]\nindex-url = 's3cret'", "tool.uv.index-url", "[pypi-options]"),
    ],
)
def test_misplaced_option_is_warned_of_with_its_place(
    text: str, wrong: str, right: str, load: Load
) -> None:
    manifest = load(text + "\n")
    assert manifest.warnings == (
        f"{manifest.path}: pixi does not read {wrong} here; its place is {right}",
    )
    assert_no_secret(manifest.warnings)


def test_options_at_the_root_of_the_file_are_misplaced(load: Load) -> None:
    manifest = load("index-url = 'x'\nextra-index-urls = []\n[workspace]\n", head="")
    assert [warning.rpartition(": ")[2] for warning in manifest.warnings] == [
        "pixi does not read index-url here; its place is [pypi-options]",
        "pixi does not read extra-index-urls here; its place is [pypi-options]",
    ]


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("[pypi-options]", "pypi-options", "[tool.pixi.pypi-options]"),
        (
            "[feature.ml.pypi-options]",
            "feature.ml.pypi-options",
            "[tool.pixi.feature.ml.pypi-options]",
        ),
        ("[project.pypi-options]", "project.pypi-options", "[tool.pixi.workspace.pypi-options]"),
        ("[tool.pypi-options]", "tool.pypi-options", "[tool.pixi.pypi-options]"),
        (
            "[tool.pixi.target.win.pypi-options]",
            "tool.pixi.target.win.pypi-options",
            "[tool.pixi.pypi-options]",
        ),
        ("[[tool.uv.index]]", "tool.uv.index", "[tool.pixi.pypi-options]"),
        ("[tool.pixi.pypi-config]", "tool.pixi.pypi-config", "the file .pixi/config.toml"),
    ],
)
def test_pyproject_misplaced_options_are_warned_of(
    text: str, wrong: str, right: str, load: Load
) -> None:
    head = "[tool.pixi.workspace]\n"
    manifest = load(f"{text}\n", name="pyproject.toml", head=head, tool="pixi")
    assert manifest.warnings == (
        f"{manifest.path}: pixi does not read {wrong} here; its place is {right}",
    )


def test_manifest_in_order_has_no_warnings(load: Load) -> None:
    assert load(FEATURES).warnings == ()


# The manifest itself


def test_manifest_is_pickled_as_its_path(load: Load) -> None:
    manifest = load('[pypi-options]\nindex-url = "https://ada:s3cret@h/simple"\n')
    assert_no_secret(manifest)
    assert repr(manifest) == f"Manifest({manifest.path!r})"
    landed = pickle.loads(pickle.dumps(manifest))
    assert landed.indexes()[0].password == "s3cret"


def test_unpickled_manifest_is_an_error_if_its_file_is_gone(load: Load) -> None:
    pickled = pickle.dumps(load(""))
    Path(pickle.loads(pickled).path).unlink()
    with pytest.raises(ManifestError):
        pickle.loads(pickled)


def test_path_that_no_file_system_can_have_is_an_error() -> None:
    from authshim.errors import UrlError
    from authshim.project.repositories import file_url

    with pytest.raises(UrlError, match="it is not a path"):
        file_url("\ud800", "/")


# Buckets


def test_s3_option_that_pixi_refuses_is_named(refused: Callable[..., str]) -> None:
    table = '[workspace.s3-options.b]\nendpoint-url = "https://h"\nregion = "s3cret"\n'
    said = "[workspace.s3-options.b]: force-path-style: expected true or false"
    assert refused(table) == said
    assert refused('[workspace.s3-options]\nb = "s3cret"\n') == (
        "[workspace.s3-options.b]: expected a table"
    )
