"""The mirrors of pixi's configuration, as rattler's mirror_middleware.rs applies them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from leaks import assert_no_secret
from servers import CHALLENGE, Answer, Recorder

import authshim
from authshim.index.check import check, probe
from authshim.index.mirrors import mirrored
from authshim.settings.pixi_config import Mirror

if TYPE_CHECKING:
    from pathlib import Path

ADA = authshim.BasicHTTP("ada", "s3cret")


def mirror(prefix: str, *targets: str) -> Mirror:
    return Mirror(prefix, targets, "/c.toml")


def chain_for(*keys: str) -> authshim.Chain:
    class Keeps(authshim.Provider):
        name = "vault"

        def find(self, key: str, username: str | None = None) -> authshim.Credential | None:
            return ADA if key in keys else None

    return authshim.Chain([Keeps()])


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://h/ch/noarch/x", "https://m/a/noarch/x"),
        ("https://h/ch", "https://m/a"),
        ("https://h/chan/x", None),
        ("http://h/ch/x", None),
        ("https://h/ch/label/x", "https://label/x"),
    ],
)
def test_mirror_covers_whole_segments(url: str, target: str | None) -> None:
    mirrors = [
        mirror("https://h/ch", "https://m/a/"),
        mirror("https://h/ch/label", "https://label"),
    ]
    found = mirrored(url, mirrors)
    assert (found and found.urls) == ((target,) if target else None)


def test_mirror_of_a_host_covers_all_paths() -> None:
    found = mirrored("https://h/a/b", [mirror("https://h/", "https://m/x")])
    assert found is not None
    assert found.urls == ("https://m/x/a/b",)


def test_longer_key_that_names_itself_switches_a_shorter_one_off() -> None:
    mirrors = [mirror("https://h/", "https://m"), mirror("https://h/a", "https://h/a")]
    assert mirrored("https://h/a/b", mirrors) is None


def test_mirror_is_probed_with_its_own_credential(recorder: Recorder) -> None:
    recorder.on("/m/*", lambda seen: Answer() if seen.authorization == ADA.header else CHALLENGE)
    place = authshim.Channel("http://ada:other-s3cret@conda.example/forge")
    mirrors = [mirror("http://conda.example/forge", f"{recorder.url}/m")]
    result = probe(chain_for("127.0.0.1"), place, (), mirrors)
    assert (result.answer, result.url) == ("let in", "http://ada@conda.example/forge")
    assert result.mirror == f"{recorder.url}/m"
    assert result.detail == (
        f"pixi asks the mirror {recorder.url}/m instead (see /c.toml); "
        "the userinfo of its URL is not sent to the mirror, but pixi sends it there"
    )
    assert [seen.path for seen in recorder.seen] == ["/m/noarch/repodata.json"]
    assert_no_secret(result)


def test_credential_of_the_original_does_not_go_to_the_mirror(recorder: Recorder) -> None:
    recorder.default = CHALLENGE
    place = authshim.Channel("http://conda.example/forge")
    mirrors = [mirror("http://conda.example", f"{recorder.url}/m")]
    result = probe(chain_for("conda.example"), place, (), mirrors)
    assert result.answer == "no credential"
    assert result.next_step.startswith("authshim auth login 127.0.0.1")
    assert [seen.authorization for seen in recorder.seen] == [None]


def test_login_in_the_url_of_a_mirror_is_sent_and_not_shown(recorder: Recorder) -> None:
    recorder.on("/m/*", lambda seen: Answer() if seen.authorization == ADA.header else CHALLENGE)
    place = authshim.Channel("http://conda.example/forge")
    mirror_url = recorder.url.replace("://", "://ada:s3cret@") + "/m"
    result = probe(chain_for(), place, (), [mirror("http://conda.example/forge", mirror_url)])
    assert (result.fine, recorder.seen[-1].authorization) == (True, ADA.header)
    assert_no_secret(result)


@pytest.mark.parametrize("dead", ["http://127.0.0.1:1/dead", None])
def test_next_mirror_is_probed_if_the_first_fails(dead: str | None, recorder: Recorder) -> None:
    recorder.on("/broken/*", Answer(503))
    first = dead or f"{recorder.url}/broken"
    place = authshim.Channel("http://conda.example/forge")
    result = probe(
        chain_for(), place, (), [mirror("http://conda.example/", first, f"{recorder.url}/m")]
    )
    assert (result.answer, result.mirror) == ("open", f"{recorder.url}/m/forge")
    assert f"; the mirror {first}/forge failed: " in result.detail


def test_empty_list_of_mirrors_is_not_found() -> None:
    place = authshim.Channel("http://conda.example/forge")
    result = probe(chain_for(), place, (), [mirror("http://conda.example/")])
    assert (result.answer, result.next_step) == ("not found", "correct [mirrors] in /c.toml")
    assert result.detail == "its list of mirrors is empty (see /c.toml)"


def test_mirror_of_another_scheme_is_not_probed() -> None:
    place = authshim.Channel("http://conda.example/forge")
    result = probe(chain_for(), place, (), [mirror("http://conda.example/", "oci://ghcr.io/x")])
    assert (result.answer, result.fine) == ("not probed", True)


def test_file_on_a_page_is_asked_for_at_its_mirror(recorder: Recorder) -> None:
    page = b'<a href="http://files.example/packages/demo-1.0-py3-none-any.whl">demo</a>'
    recorder.on("/simple/demo/", Answer(200, page, {"Content-Type": "text/html"}))
    place = authshim.Index(f"{recorder.url}/simple")
    mirrors = [mirror("http://files.example/packages", f"{recorder.url}/files")]
    assert probe(chain_for(), place, ["demo"], mirrors).answer == "open"
    assert recorder.seen[-1].path == "/files/demo-1.0-py3-none-any.whl"


def test_page_below_an_index_is_asked_for_at_its_mirror(recorder: Recorder) -> None:
    recorder.on("/m/", Answer(200, b"<p>", {"Content-Type": "text/html"}))
    mirrors = [mirror("http://index.example/simple/demo", f"{recorder.url}/m")]
    result = probe(chain_for(), authshim.Index("http://index.example/simple"), ["demo"], mirrors)
    assert (result.answer, result.mirror) == ("open", f"{recorder.url}/m/")
    assert [seen.path for seen in recorder.seen] == ["/m/"]


def test_mirror_of_one_platform_is_probed_beside_its_channel(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.on("/m/*", CHALLENGE)
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{recorder.url}/ch"]\nplatforms = ["linux-64"]\n',
        encoding="utf-8",
    )
    mirrors = [
        mirror(f"{recorder.url}/ch/{name}", f"{recorder.url}/m") for name in ("linux-64", "win-64")
    ]
    results = check(chain_for(), authshim.Manifest.load(tmp_path), None, mirrors)
    assert [(result.kind, result.url, result.answer) for result in results] == [
        ("channel", f"{recorder.url}/ch", "open"),
        ("channel", f"{recorder.url}/ch/linux-64", "no credential"),
    ]
    assert {seen.path for seen in recorder.seen} == {"/ch/noarch/repodata.json", "/m/repodata.json"}


def test_step_at_a_mirror_names_the_host_of_the_mirror(recorder: Recorder) -> None:
    recorder.default = Answer(401)
    place = authshim.Channel("http://conda.example/forge")
    result = probe(
        chain_for("127.0.0.1"), place, (), [mirror("http://conda.example", recorder.url)]
    )
    assert result.answer == "rejected"
    assert result.next_step.startswith("authshim auth login 127.0.0.1 --username ada")


def test_build_channels_and_the_map_are_probed(recorder: Recorder, tmp_path: Path) -> None:
    text = f"""
    [workspace]
    channels = []
    platforms = []
    conda-pypi-map = {{ "conda-forge" = "{recorder.url}/map.json", x = "local.json" }}
    [package.build.backend]
    name = "pixi-build-python"
    version = "*"
    channels = ["{recorder.url}/build"]
    """
    (tmp_path / "pixi.toml").write_text(text, encoding="utf-8")
    results = check(chain_for(), authshim.Manifest.load(tmp_path))
    assert [(result.kind, result.url, result.answer) for result in results] == [
        ("channel", f"{recorder.url}/build", "open"),
        ("conda-pypi-map", f"{recorder.url}/map.json", "open"),
    ]
    assert sorted(seen.path for seen in recorder.seen) == [
        "/build/noarch/repodata.json",
        "/map.json",
    ]
