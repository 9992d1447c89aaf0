"""The benchmark's arithmetic and its table are right; ``tox -e bench`` runs the benchmark."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure, peers, server, table
from benchmarks.curves import Curve, as_text

FIGURE = measure.Figure(0.9, 0.8, 1.1)
MET = table.Row("a send", "by hand", 1.0, FIGURE, "x", "9 us", "pip 10 us")
MISSED = table.Row("an import", "requests", 0.5, FIGURE)
ABSENT = table.Row("a command", "pass", 4, None)
SHOWN = table.Row("pages", "requests", None, FIGURE)


def test_a_figure_is_the_median_and_the_quartiles() -> None:
    assert measure.Figure.of([5, 1, 3, 2, 4]) == (3, 2, 4)


def test_a_figure_of_one_value_is_that_value() -> None:
    assert measure.Figure.of([7]) == (7, 7, 7)


def test_a_ratio_is_taken_within_a_round() -> None:
    assert measure.ratios([2, 30], [1, 10]) == [2, 3]


def test_a_round_whose_difference_was_eaten_by_noise_says_nothing() -> None:
    assert measure.ratios([2, 30], [0, 10]) == [3]


def test_a_difference_is_taken_within_a_round() -> None:
    assert measure.differences([5, 7], [1, 2]) == [4, 5]


def test_each_round_measures_every_case_and_begins_with_another() -> None:
    seen: list[str] = []
    cases = {name: lambda name=name: seen.append(name) or 1.0 for name in "ab"}
    found = measure.interleaved(cases, measure.Plan(rounds=2, seconds=60))
    assert found == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
    assert "".join(seen) == "ab" + "ab" + "ba"


def test_measurement_in_turns_returns_the_median_of_each() -> None:
    seen = iter([1.0, 10.0, 3.0, 30.0, 2.0, 20.0])
    assert measure.in_turns([lambda: next(seen), lambda: next(seen)], batches=3) == (2.0, 20.0)


def test_the_rounds_end_when_their_time_is_over_but_not_before_three() -> None:
    clock = iter(range(0, 1000, 10))
    found = measure.interleaved({"a": lambda: 1.0}, measure.Plan(9, 5), clock=lambda: next(clock))
    assert len(found["a"]) == 3


def test_a_call_is_measured_as_the_share_of_one_in_all() -> None:
    calls: list[int] = []
    assert measure.per_call(lambda: calls.append(1), 5) >= 0
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("row", "verdict"),
    [(MET, "ok"), (MISSED, "MISSED by 0.400"), (ABSENT, "not here"), (SHOWN, "")],
    ids=["met", "missed", "absent", "shown"],
)
def test_a_row_says_whether_it_holds(row: table.Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_a_target_that_is_just_met_is_met() -> None:
    assert not MET._replace(target=0.9).is_missed


def test_the_table_names_target_figure_spread_and_peer_and_what_is_missed() -> None:
    text = table.as_text([MET, MISSED, ABSENT])
    assert [word in text for word in ("1", "0.900", "0.800 to 1.100", "9 us", "pip 10 us")] == [
        True
    ] * 5
    assert text.splitlines()[-2:] == ["missed: an import", "not here: a command"]


def test_row_without_a_target_is_shown_and_never_missed() -> None:
    *_, row, _, missed = table.as_text([SHOWN]).splitlines()
    assert row.split() == ["pages", "requests", "-", "0.900", "0.800", "to", "1.100"]
    assert missed == "missed: nothing"
    assert table.as_json([SHOWN])[0]["target"] is None


def test_peer_that_is_not_there_is_called_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise FileNotFoundError("it is not on the PATH")

    assert peers.made(fail, name="uv") is None
    said = capsys.readouterr().err
    assert said == "uv is not here: FileNotFoundError: it is not on the PATH\n"


def test_a_table_that_misses_nothing_says_so() -> None:
    assert table.as_text([MET]).splitlines()[-1] == "missed: nothing"


def test_the_table_as_json_holds_numbers() -> None:
    first, _, absent = json.loads(json.dumps(table.as_json([MET, MISSED, ABSENT])))
    assert (first["target"], first["measured"], first["spread"], first["missed"]) == (
        1.0,
        0.9,
        [0.8, 1.1],
        False,
    )
    assert (absent["measured"], absent["verdict"]) == (None, "not here")


def test_a_curve_is_drawn_as_bars_of_which_the_longest_is_the_slowest() -> None:
    short, long = as_text([Curve("a send", "threads", ((1, 1e-6), (2, 2e-6)))]).splitlines()[-2:]
    assert (short.count("#"), long.count("#")) == (20, 40)


def test_server_has_a_page_with_files_and_metadata_for_each_package() -> None:
    page, metadata = server.found("/simple/my-demo/"), server.found(server.metadata_of("my-demo"))
    assert server.metadata_of("my-demo").removesuffix(".metadata").encode() in page
    assert metadata.endswith(b"\r\n\r\nMetadata-Version: 2.1\nName: my_demo\nVersion: 19\n")


def test_the_server_lets_in_the_password_whose_turn_it_is_and_counts() -> None:
    office = server.Office(["one", "two"], each=1, user="a")
    first, second = (
        b"GET / HTTP/1.1\r\nAuthorization: Basic " + code for code in (b"YTpvbmU=", b"YTp0d28=")
    )
    answers = [office.answer(head).split()[1] for head in (first, first, second, b"GET / HTTP/1.1")]
    assert answers == [b"200", b"401", b"200", b"401"]
    assert b'{"requests": 4, "refused": 2}' in office.answer(b"GET /counts HTTP/1.1")
