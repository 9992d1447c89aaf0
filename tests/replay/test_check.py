"""``authshim check`` tells what the services mean, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest
from replay import (
    anaconda,
    artifactory,
    azure,
    codeartifact,
    devpi,
    elsewhere,
    gitea,
    gitlab,
    google,
    nexus,
    prefix,
)
from replay.internet import OURS
from replay.run import pixi_toml
from replay.stores import auth_file

import authshim
from authshim.index.check import probe

if TYPE_CHECKING:
    from replay.recording import Secret, Service
    from replay.run import Run

    from authshim.index.check import Result

USERS = {
    azure.PKGS: "VssSessionToken",
    google.HOST: "oauth2accesstoken",
    google.OLD_HOST: "oauth2accesstoken",
    codeartifact.HOST: "aws",
    gitea.HOST: "ada",
    artifactory.HOST: "ada",
    devpi.HOST: "ada",
    elsewhere.HOST: "ada",
    gitlab.HOST: "__token__",
    nexus.HOST: "ada",
}


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the requests of ``check``, which are those of the session, by their user agent."""
    monkeypatch.setattr("requests.utils.default_user_agent", lambda: OURS)


@pytest.fixture
def result_of(replay: Callable[..., Run]) -> Callable[..., Result]:
    """Check a project with one index, for which a keyring command has a credential, or none."""

    def ask(service: Service, url: str, secret: Secret | None) -> Result:
        host = url.split("/")[2]
        manifest = pixi_toml(url.replace("https://", f"https://{USERS[host]}@"))
        run = replay(service, manifest, {} if secret is None else {url: secret})
        project = authshim.Manifest.load(run.keyring.folder)
        result = probe(
            authshim.Chain.from_environment(manifest=project), project.indexes()[0], ["part-1"]
        )
        assert run.log
        assert (run.figures.wasted, run.figures.leaks) == (0, 0)
        assert run.figures.keyrings == 1 or not result.fine
        return result

    return ask


@pytest.fixture
def result_of_channel(replay: Callable[..., Run]) -> Callable[..., Result]:
    """Check a project with one channel, for which the auth file has a credential, or none."""

    def ask(service: Service, url: str, held: dict[str, Secret]) -> Result:
        auth_file(held)
        run = replay(service, pixi_toml(channels=[url]))
        project = authshim.Manifest.load(run.keyring.folder)
        result = probe(authshim.Chain.from_environment(), project.channels()[0])
        assert run.log
        assert run.figures[1:] == (0, 0, 0)
        return result

    return ask


@pytest.mark.parametrize(
    ("service", "url", "held"),
    [
        (prefix.SERVICE, prefix.CHANNEL, {"*.prefix.dev": prefix.KEY}),
        (anaconda.SERVICE, anaconda.CHANNEL, {"*.anaconda.org": anaconda.TOKEN}),
        (artifactory.SERVICE, artifactory.MIRROR, {artifactory.HOST: artifactory.KEY}),
    ],
    ids=["prefix.dev", "anaconda.org", "mirror"],
)
def test_a_channel_lets_in(
    service: Service, url: str, held: dict[str, Secret], result_of_channel: Callable[..., Result]
) -> None:
    result = result_of_channel(service, url, held)
    assert (result.answer, result.detail, result.next_step) == ("let in", "", "")


@pytest.mark.parametrize(
    ("service", "url", "wrong", "status", "step"),
    [
        (prefix.SERVICE, prefix.CHANNEL, None, 401, "authshim auth login prefix.dev --token"),
        (prefix.SERVICE, prefix.CHANNEL, prefix.KEY, 401, "authshim auth login prefix.dev --token"),
        (prefix.SERVICE, prefix.OLDER_CHANNEL, None, 403, "authshim auth login prefix.dev --token"),
        (anaconda.SERVICE, anaconda.CHANNEL, None, 401, "authshim auth login anaconda.org"),
        (
            anaconda.SERVICE,
            anaconda.CHANNEL,
            anaconda.TOKEN,
            401,
            "authshim auth login anaconda.org",
        ),
    ],
)
def test_refused_channel_names_the_login_that_its_service_takes(
    service: Service,
    url: str,
    wrong: Secret | None,
    status: int,
    step: str,
    result_of_channel: Callable[..., Result],
) -> None:
    result = result_of_channel(
        service, url, {url.split("/")[2]: wrong._replace(value="s3cret-wrong")} if wrong else {}
    )
    assert (result.answer, result.status, result.next_step) == (
        "rejected" if wrong else "no credential",
        status,
        step,
    )


@pytest.mark.parametrize(
    ("service", "url", "secret"),
    [
        (azure.SERVICE, azure.BLUE_INDEX, azure.BLUE),
        (google.SERVICE, google.INDEX, google.TOKEN),
        (codeartifact.SERVICE, codeartifact.INDEX, codeartifact.TOKEN),
        (codeartifact.SERVICE, codeartifact.ASSETS_INDEX, codeartifact.TOKEN),
        (gitlab.SERVICE, gitlab.TOOLS_INDEX, gitlab.PERSONAL),
        (artifactory.SERVICE, artifactory.SECRET_INDEX, artifactory.KEY),
        (nexus.SERVICE, nexus.INDEX, nexus.ADA),
        (devpi.SERVICE, devpi.ADA_INDEX, devpi.ADA),
        (gitea.SERVICE, gitea.ACME_INDEX, gitea.ACME),
        (elsewhere.SERVICE, elsewhere.PUBLIC_INDEX, elsewhere.ADA),
        (elsewhere.SERVICE, elsewhere.SIGNED_INDEX, elsewhere.ADA),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_an_index_and_its_files_let_in(
    service: Service, url: str, secret: Secret, result_of: Callable[..., Result]
) -> None:
    result = result_of(service, url, secret)
    assert (result.answer, result.detail, result.next_step) == ("let in", "", "")
    assert result.api == ("JSON 1.0" if service is devpi.SERVICE else "HTML")


@pytest.mark.parametrize(
    ("service", "url", "secret", "status", "word"),
    [
        (artifactory.SERVICE, artifactory.INDEX, None, 401, "no credential"),
        (artifactory.SERVICE, artifactory.INDEX, nexus.OLD, 401, "rejected"),
        (artifactory.SERVICE, artifactory.SECRET_INDEX, None, 403, "no credential"),
        (artifactory.SERVICE, artifactory.SECRET_INDEX, nexus.OLD, 404, "rejected"),
        (nexus.SERVICE, nexus.INDEX, nexus.OLD, 401, "rejected"),
        (devpi.SERVICE, devpi.ADA_INDEX, None, 200, "no credential"),
        (devpi.SERVICE, devpi.ADA_INDEX, nexus.OLD, 200, "rejected"),
        (gitea.SERVICE, gitea.ACME_INDEX, None, 401, "no credential"),
        (gitlab.SERVICE, gitlab.PARTS_INDEX, nexus.OLD, 401, "rejected"),
        (gitlab.SERVICE, gitlab.PARTS_INDEX, gitlab.TOOLS, 404, "not found"),
        (elsewhere.SERVICE, elsewhere.PRIVATE_INDEX, elsewhere.ADA, 401, "no credential"),
    ],
)
def test_each_service_s_refusal_is_called_what_it_means(
    service: Service,
    url: str,
    secret: Secret | None,
    status: int,
    word: str,
    result_of: Callable[..., Result],
) -> None:
    result = result_of(service, url, secret and secret._replace(hosts=(url.split("/")[2],)))
    assert (result.answer, result.status) == (word, status)


def test_gitlab_project_of_another_user_points_at_its_owner(
    result_of: Callable[..., Result],
) -> None:
    result = result_of(gitlab.SERVICE, gitlab.PARTS_INDEX, gitlab.TOOLS)
    assert result.next_step == "correct the URL, or ask its owner to let this user read it"


@pytest.mark.parametrize(
    ("service", "url", "step"),
    [
        (
            azure.SERVICE,
            azure.BLUE_INDEX,
            "az login   (once before: pipx inject keyring keyrings.artifacts)",
        ),
        (
            google.SERVICE,
            google.INDEX,
            (
                "gcloud auth login   "
                "(once before: pipx inject keyring keyrings.google-artifactregistry-auth)"
            ),
        ),
        (
            google.SERVICE,  # which answers 403 to nobody
            google.OLD_INDEX,
            (
                "gcloud auth login   "
                "(once before: pipx inject keyring keyrings.google-artifactregistry-auth)"
            ),
        ),
        (
            codeartifact.SERVICE,
            codeartifact.INDEX,
            "aws sso login   (once before: pipx inject keyring keyrings.codeartifact)",
        ),
    ],
    ids=["azure", "google", "google-403", "codeartifact"],
)
def test_missing_credential_names_the_vendors_command(
    service: Service, url: str, step: str, result_of: Callable[..., Result]
) -> None:
    result = result_of(service, url, None)
    assert (result.answer, result.next_step) == ("no credential", step)


def test_googles_403_is_a_matter_for_the_owner(result_of: Callable[..., Result]) -> None:
    result = result_of(google.SERVICE, google.SECRET_INDEX, google.TOKEN)
    assert (result.answer, result.status) == ("forbidden", 403)
    assert result.next_step.startswith(
        "let an owner run: "
        "gcloud artifacts repositories add-iam-policy-binding secret --project=acme"
    )


NOTHING = (
    "it has no page of the project's packages, and lists none: one that is not there looks the same"
)


@pytest.mark.parametrize(
    ("service", "url", "secret"),
    [(google.SERVICE, google.INDEX, google.TOKEN), (gitea.SERVICE, gitea.ACME_INDEX, gitea.ACME)],
    ids=["google", "gitea"],
)
def test_an_index_without_the_projects_packages_and_without_a_list_lets_in(
    service: Service,
    url: str,
    secret: Secret,
    result_of: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("replay.recording.PROJECTS", ())
    result = result_of(service, url, secret)
    assert (result.answer, result.detail) == ("let in", NOTHING)


def test_codeartifacts_404_may_be_a_missing_permission(result_of: Callable[..., Result]) -> None:
    result = result_of(codeartifact.SERVICE, codeartifact.SECRET_INDEX, codeartifact.TOKEN)
    assert (result.answer, result.status) == ("not found", 404)
    assert (
        result.detail
        == "CodeArtifact says so of a repository that is not there, or that this user may not read"
    )
    assert result.next_step.startswith(
        "aws codeartifact describe-repository --domain acme --domain-owner 111122223333"
    )
