"""What the URL of a file tells: its name, and the hashes to check it by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Callable

import pytest

from authshim import link
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
def test_the_name_is_the_last_of_the_path_decoded_once(path: str, name: str) -> None:
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
def test_a_path_without_a_name_that_is_safe_is_refused(path: str) -> None:
    with pytest.raises(UrlError, match="name one by -o") as refused:
        _ = link.read(f"https://h.example{path}").filename
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("algorithm", sorted(name for name in hashlib.algorithms_guaranteed if "shake" not in name))
def test_every_algorithm_that_hashlib_has_everywhere_checks_a_file(algorithm: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"right")
    right = hashlib.new(algorithm, b"right").hexdigest()
    for written in (right, right.upper()):
        assert link.read(f"{URL}#{algorithm}={written}").wrong_digest(str(tmp_path / "f")) is None
    (tmp_path / "f").write_bytes(b"wrong")
    wrong = link.read(f"{URL}#{algorithm}={right}").wrong_digest(str(tmp_path / "f"))
    assert wrong == (algorithm, right)


def test_each_of_several_hashes_has_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"right")
    md5, sha256 = hashlib.md5(b"right").hexdigest(), hashlib.sha256(b"wrong").hexdigest()
    read = link.read(f"{URL}#md5={md5}&sha256={sha256}&egg=demo&subdirectory=src")
    assert read.wrong_digest(str(tmp_path / "f")) == ("sha256", sha256)


@pytest.mark.parametrize(
    "fragment", ["readme", "sha257=00", "shake_128=00", f"sha256:{'0' * 64}", "0" * 64, "sha256", "egg", "=00"]
)
def test_a_fragment_that_checks_nothing_is_refused(fragment: str) -> None:
    with pytest.raises(UrlError, match="is no hash"):
        link.read(f"{URL}#{fragment}")


@pytest.mark.parametrize("value", ["", "0" * 63, "0" * 65, "g" * 64, "0" * 63 + "٠"])
def test_a_hash_of_another_length_or_with_other_digits_is_refused(value: str) -> None:
    with pytest.raises(UrlError, match="its sha256 hash has not 64 hexadecimal digits"):
        link.read(f"{URL}#sha256={value}")


@pytest.mark.parametrize("fragment", ["", "#", "#egg=demo", "#egg=demo&subdirectory=src"])
def test_what_pip_writes_there_besides_is_no_hash(fragment: str) -> None:
    read = link.read(URL + fragment)
    assert (read.url, read.digests) == (URL, ())


@pytest.mark.parametrize("url", ["h.example/x", "file:///etc/passwd", "s3://bucket/x", "https://", "https://h ost/x"])
def test_what_is_not_http_is_refused(url: str) -> None:
    with pytest.raises(UrlError):
        link.read(url)


def test_no_repr_and_no_error_shows_a_secret(no_secret: Callable[..., None]) -> None:
    url = "https://ada:s3cret@h.example/t/s3cret/x.whl?sig=s3cret"
    assert repr(link.read(url)) == "Link('https://****@h.example/t/****/x.whl?****', ())"
    for wrong in (f"{url}#token=s3cret", f"{url}#sha256=s3cret"):
        with pytest.raises(UrlError) as refused:
            link.read(wrong)
        no_secret(str(refused.value), repr(refused.value))
