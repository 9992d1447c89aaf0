"""Tests of the file name and the hashes in a URL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Callable

import pytest

from authshim.download import link
from authshim.errors import UrlError

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://h.example/files/demo-1.0.whl"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/files/demo-1.0.whl", "demo-1.0.whl"),
        ("/files/demo-1.0%2Bcpu.whl", "demo-1.0+cpu.whl"),
        ("/files/b%C3%BCcher.zip", "bücher.zip"),
        ("/files/100%2525.txt", "100%25.txt"),
        ("/t/tk-1/noarch/demo-1.0.conda?sig=1", "demo-1.0.conda"),
    ],
)
def test_filename_is_the_last_segment_decoded_once(path: str, name: str) -> None:
    assert link.read(f"https://h.example{path}").filename == name


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/simple/",
        "/files/.",
        "/files/..",
        "/files/.bashrc",
        "/files/%2Ebashrc",
        "/files/%2e%2e",
        "/files/..%2Fevil",
        "/files/a%5Cevil",
        "/files/C%3Aevil",
        "/files/a%00b",
        "/files/a%0Ab",
        "/files/a%1B%5Bm",
        "/files/a%E2%80%AEb",
        "/files/a%FFb",
        "/t/tk-s3cret",
    ],
)
def test_filename_raises_if_the_segment_is_not_safe(path: str) -> None:
    with pytest.raises(UrlError, match="name a file with -o") as refused:
        _ = link.read(f"https://h.example{path}").filename
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "algorithm", sorted(name for name in hashlib.algorithms_guaranteed if "shake" not in name)
)
def test_link_knows_every_guaranteed_hash(algorithm: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"right")
    right = hashlib.new(algorithm, b"right").hexdigest()
    for written in (right, right.upper()):
        read = link.read(f"{URL}#{algorithm}={written}")
        assert (read.url, read.algorithm, read.digest) == (URL, algorithm, right)
        assert read.matches(str(tmp_path / "f"))
    (tmp_path / "f").write_bytes(b"wrong")
    assert not read.matches(str(tmp_path / "f"))


@pytest.mark.parametrize("fragment", ["", "#"])
def test_link_without_a_hash_matches_any_file(fragment: str) -> None:
    read = link.read(URL + fragment)
    assert read == link.Link(URL)
    assert read.matches("nowhere")


@pytest.mark.parametrize(
    "fragment",
    ["readme", "sha257=00", "shake_128=00", f"sha256:{'0' * 64}", "0" * 64, "egg=demo", "=00"],
)
def test_read_raises_if_the_fragment_is_not_a_hash(fragment: str) -> None:
    with pytest.raises(UrlError, match="is not a hash"):
        link.read(f"{URL}#{fragment}")


@pytest.mark.parametrize(
    "value", ["", "0" * 63, "0" * 65, "g" * 64, "0" * 63 + "٠", f"{'0' * 64}&md5={'0' * 32}"]
)
def test_read_raises_if_the_hash_is_malformed(value: str) -> None:
    with pytest.raises(UrlError, match="its sha256 hash is not 64 hexadecimal digits"):
        link.read(f"{URL}#sha256={value}")


@pytest.mark.parametrize(
    "url", ["h.example/x", "file:///etc/passwd", "s3://", "https://", "https://h ost/x"]
)
def test_read_raises_if_the_url_is_not_http(url: str) -> None:
    with pytest.raises(UrlError):
        link.read(url)


def test_link_shows_no_secret_in_reprs_and_errors(no_secret: Callable[..., None]) -> None:
    url = "https://ada:s3cret@h.example/t/s3cret/x.whl?sig=s3cret"
    assert repr(link.read(url)) == "Link('https://****@h.example/t/****/x.whl?****', '', '')"
    for wrong in (f"{url}#token=s3cret", f"{url}#sha256=s3cret"):
        with pytest.raises(UrlError) as refused:
            link.read(wrong)
        no_secret(str(refused.value), repr(refused.value))
