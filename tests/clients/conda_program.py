"""Get URLs with the session of a conda that finds authshim by its entry point.

Run as ``python conda_program.py HOW URL...``. If HOW is ``headers``, the URLs are of channels that
conda's configuration names. If it is ``handler``, the configuration names no channel, and the
``channel_settings`` have ``auth: authshim``.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

import conda_fakes


def main(how: str, urls: list[str]) -> None:
    channels = [url.rpartition("/noarch/")[0] for url in urls] if how == "headers" else []
    conda_fakes.put_into_process(channels)
    manager = conda_fakes.manager()
    manager.load_setuptools_entrypoints("conda")
    manager.check_pending()
    auth = None
    if how == "handler":
        handlers = conda_fakes.all_items(manager.hook.conda_auth_handlers())
        auth = next(item.handler for item in handlers if item.name == "authshim")("acme")
    session = conda_fakes.CondaSession(manager.hook, auth)
    for url in urls:
        sys.stdout.write(f"{urlsplit(url).path}: {session.get(url).status_code}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
