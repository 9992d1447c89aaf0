"""The rules of which index, version and file are taken, without any index."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename
from resolve_situations import (
    ANY,
    IN_PIP,
    LINUX,
    MAC,
    OTHERWISE_IN_PIP,
    SITUATIONS,
    STRATEGIES,
    Listed,
    Situation,
    wheel,
)

from authshim.credentials import BasicHTTP
from authshim.index.answer import Answer
from authshim.index.simple_api import File
from authshim.lookup.trace import Found
from authshim.project.repositories import Index
from authshim.project.requirements import Dependency, normalised
from authshim.project.target import Target
from authshim.resolve.query import Query
from authshim.resolve.rules import Resolution, resolve
from authshim.urls import Key

MACHINE = Target("linux-64", "3.11")
FLAT = Index("https://flat.example/", flat=True)


def index(number: int) -> Index:
    return Index(f"https://{number}.example/simple")


def page(place: Index, listed: tuple[Listed, ...] | int, **options: object) -> Answer:
    if isinstance(listed, int):
        return Answer(place, "not there", listed, **options)
    files = (
        File(each.filename, f"{place.url}/{each.filename}", each.requires_python, (), each.yanked)
        for each in listed
    )
    return Answer(place, "found", 200, files=tuple(files), **options)


def dependency(wanted: str, **options: object) -> Dependency:
    requirement = Requirement(wanted)
    return Dependency(
        normalised(requirement.name), str(requirement.specifier), target=MACHINE, **options
    )


def answer(situation: Situation, tool: str = "pixi") -> Resolution:
    pages = [page(index(number), listed) for number, listed in enumerate(situation.pages)]
    pages += [page(FLAT, situation.flat)] if situation.flat else []
    wanted = dependency(situation.wanted)
    return resolve(Query(wanted, (), situation.strategy, situation.mode, tool=tool), pages)


def in_words(found: Resolution) -> str:
    """Return the index and the file that were taken, or an empty string."""
    taken = found.taken
    if taken is None:
        return ""
    where = "flat" if taken.place.flat else taken.place.url[8]
    return f"{where}: {taken.file.filename}"


@pytest.mark.parametrize("situation", IN_PIP, ids=lambda situation: situation.says)
def test_pip_takes_the_best_file_of_all(situation: Situation) -> None:
    # tests/interop/test_pip.py: the real pip in the same situations
    expected = OTHERWISE_IN_PIP.get(situation.says, situation.expected)
    assert in_words(answer(situation, "pip")) == expected


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.says)
def test_serving_index_is_the_expected_one(situation: Situation) -> None:
    found = answer(situation)
    taken = found.taken
    assert in_words(found) == situation.expected
    assert bool(found.problem) is (taken is None)
    assert found.fine is (taken is not None)


def ask(
    *pages: Answer,
    wanted: str = "demo",
    strategy: str = "first-index",
    mode: str = "if-necessary-or-explicit",
) -> Resolution:
    return resolve(Query(dependency(wanted), (), strategy, mode), pages)


# What cannot be taken


@pytest.mark.parametrize(
    ("wanted", "mode", "said"),
    [
        ("demo>5", "allow", "4 outside >5"),
        (
            "demo>2.5",
            "allow",
            "2 outside >2.5, 1 yanked, 1 without a file for linux-64 and Python 3.11",
        ),
        (
            "demo==2.0rc1",
            "disallow",
            "3 outside ==2.0rc1, 1 before a release (prerelease-mode disallow)",
        ),
    ],
)
def test_obstacles_are_counted(wanted: str, mode: str, said: str) -> None:
    listed = (wheel("1.0"), wheel("2.0rc1"), wheel("3.0", yanked=True), wheel("4.0", MAC))
    found = ask(page(index(0), listed), wanted=wanted, mode=mode)
    assert found.problem == f"nothing that https://0.example/simple has can be taken: {said}"


def test_a_version_that_is_no_version_is_nothing_before_a_release() -> None:
    assert ask(page(index(0), (wheel("1.0"),)), wanted="demo===odd").problem.endswith(
        "1 outside ===odd"
    )


def test_a_page_without_files_is_told_so() -> None:
    assert (
        ask(page(index(0), ())).problem
        == "nothing that https://0.example/simple has can be taken: it lists no file"
    )


@pytest.mark.parametrize(
    "filename",
    [
        "demo-9.0-1\x1b[31m-py3-none-any.whl",
        "demo-9.0\n.tar.gz",
        "demo-9.0-1\u202e-py3-none-any.whl",
    ],
)
def test_a_filename_that_would_mislead_a_terminal_is_not_taken(filename: str) -> None:
    found = ask(page(index(0), (wheel("1.0"), Listed(filename))))
    assert found.taken is not None
    assert found.taken.file.filename == f"demo-1.0-{ANY}.whl"


def test_a_file_of_another_project_is_not_taken() -> None:
    found = ask(
        page(index(0), (wheel("1.0"), Listed(f"demo_x-9.0-{ANY}.whl"), Listed("demo-x-9.0.tar.gz")))
    )
    assert found.taken is not None
    assert str(found.taken.version) == "1.0"


def test_several_indexes_that_have_nothing_to_take_are_all_named() -> None:
    pages = [page(index(number), (wheel("1.0", ANY, ">=4"),)) for number in range(2)]
    found = ask(*pages, strategy="unsafe-best-match")
    assert found.problem == (
        "nothing that https://0.example/simple and https://1.example/simple have can be taken: "
        "2 not for Python 3.11"
    )


def test_package_from_no_index_is_fine_and_not_looked_for() -> None:
    found = resolve(Query(Dependency("demo", origin="path"), (), "first-index", "allow"), [])
    assert (found.fine, found.taken, found.problem) == (True, None, "")


def test_a_dependency_without_a_machine_is_chosen_for_this_one() -> None:
    query = Query(Dependency("demo"), (), "first-index", "allow")
    found = resolve(query, [page(index(0), (wheel("1.0"),))])
    assert found.fine


# Indexes that did not answer

REFUSED = Answer(index(0), "refused", 401, detail="no provider has one")
DOUBT = (
    "whether https://0.example/simple has demo is not known: "
    "refused (HTTP 401, no provider has one); pixi "
)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_refusal_before_the_one_that_serves_makes_it_doubtful(strategy: str) -> None:
    found = ask(REFUSED, page(index(1), (wheel("1.0"),)), strategy=strategy)
    assert found.taken is not None
    does = "stops there" if strategy == "first-index" else "passes over it"
    assert (found.fine, found.doubts) == (False, (DOUBT + does,))


@pytest.mark.parametrize("status", [401, 403, 410, 503])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_message_says_what_pixi_does_at_an_index_without_answer(status: int, strategy: str) -> None:
    # tests/interop/test_uv.py: test_uv_passes_over_a_refusal_only_if_that_is_unsafe
    found = ask(REFUSED._replace(status=status), page(index(1), (wheel("1.0"),)), strategy=strategy)
    passes = strategy != "first-index" and status in (401, 403)
    assert found.doubts[0].endswith("; pixi passes over it" if passes else "; pixi stops there")


def test_an_index_behind_matters_where_pixi_stops_at_it_all_the_same() -> None:
    broken = Answer(index(0), "unreachable", 503)
    assert (
        len(ask(page(index(1), (wheel("1.0"),)), broken, strategy="unsafe-first-match").doubts) == 1
    )


@pytest.mark.parametrize(
    ("strategy", "doubts"),
    [
        ("first-index", ()),
        ("unsafe-first-match", ()),
        ("unsafe-best-match", (f"{DOUBT}passes over it",)),
    ],
)
def test_refusal_behind_the_serving_index_matters_for_best_match(
    strategy: str, doubts: tuple[str, ...]
) -> None:
    assert ask(page(index(1), (wheel("1.0"),)), REFUSED, strategy=strategy).doubts == doubts


def test_refusal_behind_the_first_index_does_not_matter_if_none_fits() -> None:
    assert ask(page(index(1), (wheel("1.0"),)), REFUSED, wanted="demo>1").doubts == ()


def test_a_refusal_is_not_taken_for_a_name_that_is_not_there() -> None:
    found = ask(page(index(1), 404), REFUSED)
    assert (found.problem, found.doubts) == (
        "no index that answered has it",
        (f"{DOUBT}stops there",),
    )


def test_flat_page_without_an_answer_makes_the_result_doubtful() -> None:
    broken = Answer(FLAT, "unreachable", detail="no answer in time")
    found = ask(page(index(0), (wheel("1.0"),)), broken)
    said = "unreachable (no answer in time); pixi stops there"
    assert found.doubts == (f"whether https://flat.example/ has demo is not known: {said}",)


def test_file_of_a_flat_page_is_doubtful_by_earlier_indexes_only() -> None:
    pages = (page(index(1), (wheel("1.0"),)), REFUSED, page(FLAT, (wheel("2.0"),)))
    found = ask(*pages, strategy="unsafe-first-match")
    assert found.taken is not None
    assert (found.taken.place, found.doubts) == (FLAT, ())


# A public index that has the name of a private package

SENT = Found(BasicHTTP("ada", "s3cret"), "vault", Key("0.example", "host"))
PYPI = Index("https://pypi.org/simple")


def private(number: int, *listed: Listed) -> Answer:
    return page(index(number), listed, found=SENT, host=f"{number}.example")


def public(number: int, *listed: Listed) -> Answer:
    return page(index(number), listed, host=f"{number}.example")


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (
            "first-index",
            (
                "only the order of the indexes makes pixi take the private "
                "https://0.example/simple's, and other programs may not"
            ),
        ),
        (
            "unsafe-first-match",
            (
                "under unsafe-first-match it is taken from there "
                "where no version of https://0.example/simple fits"
            ),
        ),
        (
            "unsafe-best-match",
            (
                "under unsafe-best-match the highest version of all is taken, "
                "whoever uploaded it there"
            ),
        ),
    ],
)
def test_a_public_index_behind_the_private_one_is_warned_of(strategy: str, said: str) -> None:
    found = ask(private(0, wheel("1.0")), public(1, wheel("9.0"), wheel("8.0")), strategy=strategy)
    assert found.warnings == (f"https://1.example/simple has demo as well, up to 9.0: {said}",)
    assert found.fine


def test_a_public_index_before_the_private_one_is_warned_of() -> None:
    found = ask(public(1, wheel("9.0")), private(0, wheel("1.0")))
    assert found.warnings == (
        (
            "https://1.example/simple has demo as well, up to 9.0, and comes before the private "
            "https://0.example/simple: pixi takes it from there"
        ),
    )


def test_a_public_page_without_files_has_the_name_all_the_same() -> None:
    (warning,) = ask(private(0, wheel("1.0")), public(1)).warnings
    assert warning.startswith("https://1.example/simple has demo as well: ")


def test_pypi_is_public_though_a_credential_was_sent_to_it() -> None:
    pypi = page(PYPI, (wheel("9.0"),), found=SENT, host="pypi.org")
    assert len(ask(private(0, wheel("1.0")), pypi).warnings) == 1


@pytest.mark.parametrize(
    "pages", [(private(0, wheel("1.0")),), (public(0, wheel("1.0")), public(1, wheel("2.0")))]
)
def test_private_or_public_ones_alone_are_not_warned_of(pages: tuple[Answer, ...]) -> None:
    assert ask(*pages).warnings == ()


@pytest.mark.parametrize("answer", ["not there", "refused", "unreachable"])
def test_a_public_index_that_does_not_have_the_name_is_not_warned_of(answer: str) -> None:
    other = Answer(index(1), answer, 404)
    assert ask(private(0, wheel("1.0")), other).warnings == ()


def test_a_public_flat_page_that_has_the_name_is_warned_of() -> None:
    (warning,) = ask(private(0, wheel("1.0")), page(FLAT, (wheel("9.0"),))).warnings
    assert warning == (
        "https://flat.example/ has demo as well, up to 9.0: what is in find-links counts as if "
        "https://0.example/simple had it, too"
    )


@pytest.mark.parametrize(
    "flat",
    [
        page(FLAT, (Listed("other-9.0-py3-none-any.whl"),)),
        page(FLAT, (wheel("9.0"),), found=SENT, host="flat.example"),
        page(Index("file:///srv/wheels", flat=True), (wheel("9.0"),)),
    ],
    ids=["of another name", "private", "a folder"],
)
def test_a_flat_page_without_the_name_or_of_one_s_own_is_not_warned_of(flat: Answer) -> None:
    assert ask(private(0, wheel("1.0")), flat).warnings == ()


def test_a_private_flat_page_is_not_confused_with_a_public_index() -> None:
    assert (
        ask(
            public(0, wheel("1.0")), page(FLAT, (wheel("9.0"),), found=SENT, host="flat.example")
        ).warnings
        == ()
    )


def test_a_flat_page_without_the_name_is_no_index_that_has_it() -> None:
    found = ask(
        Answer(index(0), "not there", 404), page(FLAT, (Listed("other-9.0-py3-none-any.whl"),))
    )
    assert found.problem == "no index has it"


def _with_hashes(found: Answer, digest: str) -> Answer:
    return found._replace(
        files=tuple(file._replace(hashes=(("sha256", digest),)) for file in found.files)
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "warned"),
    [
        (("1.0",), ("1.0", "2.0"), False),
        (("1.0", "3.0"), ("1.0", "2.0"), True),
    ],
)
def test_an_index_that_only_mirrors_the_public_one_is_not_warned_of(
    mine: tuple[str, ...], theirs: tuple[str, ...], warned: bool
) -> None:
    pages = private(0, *map(wheel, mine)), public(1, *map(wheel, theirs))
    assert bool(ask(*(_with_hashes(each, "ab") for each in pages)).warnings) is warned


def test_a_file_of_the_same_name_with_another_hash_is_no_mirror() -> None:
    pages = (
        _with_hashes(private(0, wheel("1.0")), "ab"),
        _with_hashes(public(1, wheel("1.0")), "cd"),
    )
    assert len(ask(*pages).warnings) == 1


DIGITS = "1" * 5000
DOTTED = ".".join("abcdefgh")


@pytest.mark.parametrize(
    "odd",
    [
        Listed(f"demo-{DIGITS}-py3-none-any.whl"),
        Listed(f"demo-2.0-{DIGITS}-py3-none-any.whl"),
        Listed(f"demo-{DIGITS}.tar.gz"),
        Listed("demo-" * 100_000 + "2.0.tar.gz"),
        Listed(f"demo-2.0-py3.{DOTTED}-none.{DOTTED}-any.{DOTTED}.whl"),
    ],
    ids=["version", "build", "version of an sdist", "name", "tags"],
)
def test_a_file_whose_name_is_beyond_all_measure_is_left_out(odd: Listed) -> None:
    found = ask(page(index(0), (wheel("1.0"), odd)))
    assert found.taken is not None
    assert str(found.taken.version) == "1.0"


@pytest.mark.parametrize("requires_python", [f">={DIGITS}", f"=={DIGITS}.*", ">=3.6.*"])
def test_requires_python_that_cannot_be_read_is_ignored(requires_python: str) -> None:
    found = ask(page(index(0), (wheel("1.0"), wheel("2.0", ANY, requires_python))))
    assert found.taken is not None
    assert str(found.taken.version) == "2.0"


def test_wheels_of_older_versions_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def parse(filename: str) -> object:
        parsed.append(filename)
        return parse_wheel_filename(filename)

    monkeypatch.setattr("authshim.resolve.candidates.parse_wheel_filename", parse)
    versions = (wheel("1.7.1"), wheel("1.7.3", MAC), wheel("1.7.2", LINUX), wheel("1.7.0"))
    assert ask(page(index(0), versions)).fine
    assert parsed == [wheel("1.7.3", MAC).filename, wheel("1.7.2", LINUX).filename]
