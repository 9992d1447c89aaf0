"""Fuzz one target with atheris: ``python one.py TARGET`` and libFuzzer's own options."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    with atheris.instrument_imports(include=["authshim"]):
        target = importlib.import_module(f"fuzz.{sys.argv.pop(1)}")
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        words.writelines(
            '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n'
            for word in target.WORDS
            if word
        )
        words.flush()
        atheris.Setup([*sys.argv, f"-dict={words.name}"], target.check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
