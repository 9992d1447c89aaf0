"""The heading of "Why 401?" for pixi is the message of its own library."""

from __future__ import annotations

import asyncio
from pathlib import Path

import needs
import pytest
from servers import CHALLENGE, Recorder

WHY = Path(__file__).parents[2] / "docs" / "why-401.rst"

pytestmark = pytest.mark.interop


def test_message_of_rattler_begins_with_the_heading(recorder: Recorder, tmp_path: Path) -> None:
    needs.module("rattler")
    import rattler

    recorder.on("/*", CHALLENGE)

    async def query() -> None:
        gateway = rattler.Gateway(cache_dir=tmp_path)
        channels = [rattler.Channel(f"{recorder.url}/acme")]
        await gateway.query(channels, ["noarch"], ["demo"])

    with pytest.raises(Exception, match="401") as raised:
        asyncio.run(query())
    message = str(raised.value).partition(" (http")[0]
    assert f"\n{message}\n{'.' * len(message)}\n" in WHY.read_text(encoding="utf-8")
