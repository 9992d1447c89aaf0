"""``s3://`` URLs, their keys, and the endpoint of a bucket."""

from __future__ import annotations

import pytest

from authshim.errors import UrlError
from authshim.urls.s3 import (
    BadOptions,
    S3Options,
    parse_s3,
    read_options,
    s3_keys,
)
from authshim.urls.url import is_s3

OPTIONS = {"endpoint-url": "https://s3.example", "region": "eu", "force-path-style": False}


def at(endpoint: str, bucket: str = "bucket", *, path_style: bool = False) -> S3Options:
    table = {**OPTIONS, "endpoint-url": endpoint, "force-path-style": path_style}
    return read_options(bucket, table, "here")


@pytest.mark.parametrize(
    ("url", "bucket", "path"),
    [
        ("s3://bucket", "bucket", ""),
        ("S3://bucket/", "bucket", "/"),
        ("s3://my.bucket_1/a//b/./c", "my.bucket_1", "/a//b/./c"),
        ("s3://Bucket/a%20b?c#d e@f", "Bucket", "/a%20b?c#d e@f"),
    ],
)
def test_s3_url_is_a_bucket_and_a_key_as_written(url: str, bucket: str, path: str) -> None:
    assert is_s3(url)
    assert parse_s3(url) == (bucket, path)


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x",
        "s3://",
        "s3:///x",
        "s3://ada:s3cret@bucket/x",
        "s3://bucket:80/x",
        "s3://bucket?x",
        "s3://b\\c/x",
        "s3://bücket/x",
        "s3://bucket/a\nb",
        "s3://-bucket/x",
    ],
)
def test_s3_url_without_a_clear_bucket_is_refused(url: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse_s3(url)
    assert "s3cret" not in str(caught.value)


def test_keys_begin_with_the_longest_path_and_end_with_the_bucket() -> None:
    assert s3_keys(parse_s3("s3://bucket/chan/noarch/x")) == [
        "s3://bucket/chan/noarch/x",
        "s3://bucket/chan/noarch",
        "s3://bucket/chan",
        "s3://bucket",
        "bucket",
    ]
    assert {key.kind for key in s3_keys(parse_s3("s3://bucket/a"))} == {"s3"}


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (at("https://s3.example"), "https://bucket.s3.example/k"),
        (at("https://s3.example", path_style=True), "https://s3.example/bucket/k"),
        (at("https://S3.Example:443/base/"), "https://bucket.s3.example/base/k"),
        (at("https://s3.example/base", path_style=True), "https://s3.example/base/bucket/k"),
        # A certificate for *.s3.example is not for my.bucket.s3.example.
        (at("https://s3.example", "my.bucket"), "https://s3.example/my.bucket/k"),
        (at("http://s3.example", "our.bucket"), "http://our.bucket.s3.example/k"),
        (at("https://s3.example", "Bucket"), "https://s3.example/Bucket/k"),
        (at("https://s3.example", "a_b"), "https://s3.example/a_b/k"),
        (at("http://127.0.0.1:9000"), "http://127.0.0.1:9000/bucket/k"),
        (at("http://[::1]:9000"), "http://[::1]:9000/bucket/k"),
        (at("https://ada:pw@s3.example"), "https://bucket.s3.example/k"),
    ],
)
def test_url_at_the_endpoint_has_the_bucket_as_host_or_folder(options: S3Options, url: str) -> None:
    assert options.url_of("/k") == url


def test_key_that_begins_with_a_slash_has_the_bucket_before_it() -> None:
    assert at("https://s3.example").url_of("//k") == "https://s3.example/bucket//k"
    assert at("https://s3.example/base").url_of("//k") == "https://bucket.s3.example/base//k"


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("", "/"),
        ("/a//b/./c/../d", "/a//b/./c/../d"),
        ("/a+b c", "/a%2Bb%20c"),
        ("/!$&'()*,;=:@", "/%21%24%26%27%28%29%2A%2C%3B%3D%3A%40"),
        ("/a%20b?c#d", "/a%2520b%3Fc%23d"),
        ("/é~-_.", "/%C3%A9~-_."),
    ],
)
def test_key_is_encoded_as_aws_does(path: str, encoded: str) -> None:
    assert at("https://h", path_style=True).url_of(path) == f"https://h/bucket{encoded}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"endpoint-url": None}, "endpoint-url: expected an http(s) URL"),
        ({"endpoint-url": "s3.example"}, "endpoint-url: expected an http(s) URL"),
        ({"endpoint-url": "https://h?sig=s3cret"}, "endpoint-url: expected an http(s) URL"),
        ({"endpoint-url": "https://h:s3cret"}, "endpoint-url: it has a space, a control"),
        ({"region": 1}, "region: expected text"),
        (
            {"region": "eu\r\n X-Other: s3cret"},
            "region: expected ASCII without a control character",
        ),
        ({"region": "eu-ł"}, "region: expected ASCII without a control character"),
        ({"force-path-style": "yes"}, "force-path-style: expected true or false"),
    ],
)
def test_option_that_pixi_refuses_is_named_without_its_value(
    change: dict[str, object], reason: str
) -> None:
    with pytest.raises(BadOptions) as caught:
        read_options("bucket", {**OPTIONS, **change}, "here")
    assert str(caught.value).startswith(reason)
    assert "s3cret" not in str(caught.value)


def test_options_that_are_no_table_are_refused() -> None:
    with pytest.raises(BadOptions, match="expected a table"):
        read_options("bucket", "text", "here")
