"""The ``s3-options`` of a workspace: the endpoint of each bucket."""

from __future__ import annotations

from authshim.project.toml import Table, TableError, get, location
from authshim.urls.s3 import BadOptions, S3Options, read_options


def read_buckets(workspace: Table, where: tuple[str, ...]) -> tuple[S3Options, ...]:
    """Return the options of the buckets.

    :param where: the names of the table of the workspace and its parents.
    :raises TableError: pixi would refuse one of them.
    """
    found = []
    for bucket, table in get(workspace, "s3-options", dict, where).items():
        place = location((*where, "s3-options", bucket))
        try:
            found.append(read_options(bucket, table, place))
        except BadOptions as error:
            raise TableError(f"{place}: {error}") from None
    return tuple(found)
