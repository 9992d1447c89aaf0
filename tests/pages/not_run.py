"""The commands of the pages that no test runs here, and the reason for each."""

from __future__ import annotations

_SERVICE = "it needs an account; the tests play the service to the real keyring back end"

NOT_RUN: dict[tuple[str, str], str] = {
    ("README.rst", "python3 -m venv .venv && .venv/bin/pip install tox"): (
        "CI runs this line as it stands here: .ci/run"
    ),
    ("README.rst", "python3 -m venv .venv && .venv/bin/pip install ."): (
        "tox -e release installs the package, with two Pythons, and runs its demo"
    ),
    ("docs/tasks/conda.rst", "authshim run --netrc -- micromamba"): (
        "no registry that CI reaches has micromamba"
    ),
    ("docs/tasks/docker.rst", "docker build"): (
        "CI has no Docker daemon; the RUN lines of the Dockerfile are run by a shell"
    ),
    ("docs/tasks/moving.rst", "pipx uninject keyring artifacts-keyring"): (
        "to install it here would take .NET"
    ),
    ("docs/tasks/vendors.rst", "az login"): _SERVICE,
    ("docs/tasks/vendors.rst", "gcloud auth login"): _SERVICE,
    ("docs/tasks/vendors.rst", "aws sso login"): _SERVICE,
}
"""The reasons, by the page and the beginning of the command."""


def is_run(page: str, typed: str) -> bool:
    """Return True if the tests run a command of a page."""
    return not any(page == where and typed.startswith(begins) for where, begins in NOT_RUN)
