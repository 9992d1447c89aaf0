"""AWS's own chain, by botocore."""

from __future__ import annotations

import pickle

import pytest
from aws import Keys, use_botocore, without_botocore
from leaks import assert_no_secret

from authshim.credentials import S3Credentials
from authshim.errors import ProviderError, ProviderMissing
from authshim.providers.aws_chain import AwsChain


def test_credential_is_that_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    use_botocore(monkeypatch, Keys("id", "s3cret", "s3cret-token"))
    chain = AwsChain()
    assert chain.credential() == S3Credentials("id", "s3cret", "s3cret-token")
    assert_no_secret(chain, pickle.loads(pickle.dumps(chain)))


def test_credential_is_none_if_aws_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    use_botocore(monkeypatch, None)
    assert AwsChain().credential() is None


@pytest.mark.parametrize(
    ("endpoint", "region", "url"),
    [
        ("https://s3.amazonaws.com", "aws-global", "https://b-1.s3.amazonaws.com/k"),
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1", None),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", None),
        ("http://minio.example:9000", "us-east-1", "http://minio.example:9000/b-1/k"),
    ],
)
def test_options_are_those_of_a_client_of_botocore(
    endpoint: str, region: str, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_botocore(monkeypatch, None, endpoint, region)
    options = AwsChain().options("b-1")
    assert options.region == region.replace("aws-global", "us-east-1")
    assert options.url_of("/k") == (url or f"{endpoint.replace('//', '//b-1.')}/k")


def test_missing_botocore_is_a_missing_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    without_botocore(monkeypatch)
    with pytest.raises(ProviderMissing, match="botocore is not installed"):
        AwsChain().credential()


def test_error_of_botocore_is_named_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    use_botocore(monkeypatch, LookupError("a line with s3cret"))
    with pytest.raises(ProviderError, match="AWS's own chain: LookupError") as caught:
        AwsChain().credential()
    assert_no_secret(caught.value)


def test_keys_that_cannot_be_sent_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    use_botocore(monkeypatch, Keys("id", "s3cret\n"))
    with pytest.raises(ProviderError) as caught:
        AwsChain().credential()
    assert_no_secret(caught.value)
