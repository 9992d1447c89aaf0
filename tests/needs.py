"""What a test needs of the machine. If it is missing, the test is skipped, but fails under CI."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest
import requests
import urllib3

ALL = bool(os.environ.get("AUTHSHIM_TEST_ALL"))
"""Read before any test clears the environment."""

REQUESTS = tuple(map(int, requests.__version__.split(".")[:2]))
URLLIB3 = tuple(map(int, urllib3.__version__.split(".")[:2]))
"""Their versions: ``tox -e oldest`` runs the tests with old ones, which have other faults."""

_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def program(name: str, package: str) -> str:
    """Return the path of a program; ``package`` is the Debian package that has it."""
    found = shutil.which(name, path=_PATH)
    return found or missing(f"no {name} here: apt install {package}")


def module(name: str) -> None:
    """Ask for a package that the extra ``interop`` installs, without importing it."""
    if importlib.util.find_spec(name) is None:
        missing(f"no {name} here: pip install authshim[interop]")


def missing(reason: str) -> str:
    """Skip the test with a reason, or fail where nothing may be missing."""
    if ALL:
        pytest.fail(reason)
    pytest.skip(reason)
