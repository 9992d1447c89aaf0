"""Is it ready to publish? ``python tests/release.py FOLDER [PYTEST ARGUMENTS ...]``.

Build the sdist and the wheel twice and compare them, check them, install the wheel where nothing
is, build the recipe for conda, and run the tests of the sdist from the sdist.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.9", "3.13")
UNITS = "not interop and not replay and not clients and not slow"
FEW = tuple(
    f"tests/test_{name}.py"
    for name in ("generated", "packaging", "readme", "reference", "security")
)
"""The tests that read the most files of the tree."""


def main(folder: Path, arguments: list[str]) -> int:
    """Do all of it, and return 0; the first step that fails ends the program."""
    shutil.rmtree(folder, ignore_errors=True)
    built = [_build(folder / name) for name in ("first", "second")]
    if built[0] != built[1]:
        return _fail("two builds differ")
    files = sorted(str(path) for path in (folder / "first").iterdir())
    wheel, sdist = sorted(files, key=lambda name: not name.endswith(".whl"))
    _run(sys.executable, "-m", "twine", "check", "--strict", *files)
    _run(sys.executable, "-m", "check_wheel_contents", wheel)
    with ThreadPoolExecutor() as pool:
        tried = [pool.submit(_try_wheel, each, wheel, folder / each) for each in VERSIONS]
        tried.append(pool.submit(_try_recipe, folder / "recipe"))
        tried.append(pool.submit(_test_sdist, sdist, folder / "sdist", arguments or FEW))
    for each in tried:
        each.result()
    return 0


def _build(folder: Path) -> dict[str, str]:
    """Build into a folder, and return the digest of each file."""
    environ = {"SOURCE_DATE_EPOCH": "1700000000", **os.environ}
    words = ("-m", "build", "--installer", "uv", "--outdir", str(folder), str(ROOT))
    _run(sys.executable, *words, environ=environ)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def _try_wheel(version: str, wheel: str, folder: Path) -> None:
    """Install the wheel alone with one Python, and let it show that it works."""
    python = _python(version)
    if python is None:
        return
    _install(python, folder, wheel)
    _run(str(folder / "bin" / "authshim"), "demo")
    if not (folder / "share" / "man" / "man1" / "authshim.1").is_file():
        raise SystemExit(_fail("the wheel has no manual page"))


def _try_recipe(folder: Path) -> None:
    """Build the recipe for conda with the oldest Python, if it is here."""
    if _python(VERSIONS[0]):
        _run(sys.executable, "tests/recipe.py", str(folder))


def _python(version: str) -> str | None:
    """Return a Python on PATH, or None if there is none and the run may skip it."""
    python = shutil.which(f"python{version}")
    if python is None:
        if os.environ.get("AUTHSHIM_TEST_ALL"):
            raise SystemExit(_fail(f"no python{version} here"))
        sys.stdout.write(f"skipped: no python{version} here\n")
    return python


def _test_sdist(sdist: str, folder: Path, tests: list[str] | tuple[str, ...]) -> None:
    """Install the sdist with what its tests need, and run them in its own folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)  # our own, of a minute ago
    (root,) = folder.iterdir()
    _install(sys.executable, folder / "env", f"{root}[test]")
    python = str(folder / "env" / "bin" / "python")
    _run(python, "-m", "pytest", "-qq", "--collect-only", cwd=root)
    _run(python, "-m", "pytest", "-q", "-n", "auto", "-m", UNITS, *tests, cwd=root)


def _install(python: str, folder: Path, package: str) -> None:
    """Install a package and what it needs into an environment of its own."""
    _run("uv", "venv", "--quiet", "--python", python, str(folder))
    _run("uv", "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), package)


def _run(*words: str, cwd: Path = ROOT, environ: dict[str, str] | None = None) -> None:
    """Run a program, and print its output in one piece: others may run at the same time."""
    done = subprocess.run(
        words, check=False, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    printed = done.stdout.decode(errors="replace")
    sys.stdout.write(f"$ {' '.join(words)}\n{printed}")
    sys.stdout.flush()
    if done.returncode:
        raise SystemExit(_fail(f"{words[0]} ended with {done.returncode}"))


def _fail(reason: str) -> int:
    sys.stderr.write(f"release: {reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
