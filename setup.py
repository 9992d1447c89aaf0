"""The package is described in setup.cfg. This makes each build of its sources the same.

README.rst has relative links, for the host of the sources. In the package's own description they
are absolute.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "docs"))

from generator import address  # noqa: E402


class ReproducibleSdist(sdist):
    """An sdist that tells neither when nor by whom it was made, if SOURCE_DATE_EPOCH is set."""

    def make_archive(
        self,
        base_name: Any,
        format: Any,  # noqa: A002
        *arguments: Any,
        **options: Any,
    ) -> str:
        """Write the archive, and return its name."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or not epoch:
            return super().make_archive(base_name, format, *arguments, **options)
        name = f"{base_name}.tar.gz"
        with open(name, "wb") as file, gzip.GzipFile("", "wb", 9, file, int(epoch)) as packed:
            _write_tar(packed, Path(options["base_dir"]), int(epoch))
        return name


def _write_tar(file: Any, folder: Path, epoch: int) -> None:
    """Write the files of a folder in the order of their names, all at one time and of one user."""

    def of_nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = epoch, 0, 0, "", ""
        entry.mode = 0o755 if entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.add(path, path.as_posix(), recursive=False, filter=of_nobody)


setup(
    cmdclass={"sdist": ReproducibleSdist},
    long_description=address.absolute((HERE / "README.rst").read_text(encoding="utf-8")),
)
