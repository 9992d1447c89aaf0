"""The ``s3-options`` of a workspace: the endpoint of each bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authshim.project.toml import TableError, location
from authshim.urls.s3 import BadOptions, S3Options, read_options

if TYPE_CHECKING:
    from authshim.project.toml import Section


def read_buckets(workspace: Section) -> tuple[S3Options, ...]:
    """Return the options of the buckets.

    :raises TableError: pixi would refuse one of them.
    """
    found = []
    buckets = workspace.section("s3-options")
    for bucket, table in buckets.table.items():
        names = (*buckets.names, bucket)
        place = location(names)
        try:
            options = read_options(bucket, table, place)
        except BadOptions as error:
            raise TableError(f"{place}: {error}") from None
        found.append(options)
    return tuple(found)
