"""What the table of all benches says of a figure."""

import pytest

from bench.measure import BASE, COLUMNS, PEER, Figure, print_table


def test_a_goal_is_held_against_the_median() -> None:
    figure = Figure("speed", [1.0, 3.0, 30.0], "times", least=3.0)
    assert (figure.goal, figure.met) == ("≥ 3", True)
    assert figure.reached == "3.00 [1.00..30.00] times"
    assert not Figure("speed", [1.0, 2.9, 30.0], least=3.0).met
    assert not Figure("memory", [301.0], most=300.0).met
    assert Figure("seconds", [5.0]).goal == ""


def test_a_line_has_the_base_build_the_peer_by_name_and_both_ratios() -> None:
    figure = Figure(
        "load",
        [90.0],
        "rows/s",
        0.95,
        form=".0f",
        of=PEER,
        base=[60.0],
        peer="psql",
        theirs=[100.0],
    )
    assert dict(zip(COLUMNS[1:-1], figure.cells[1:-1], strict=True)) == {
        "base build": "60 rows/s",
        "this build": "90 rows/s",
        "peer": "psql: 100 rows/s",
        "ratio": "0.9 times peer, 1.5 times base",
        "goal": "≥ 0.95 times peer",
    }
    assert figure.cells[-1] == "**missed**"


def test_what_was_not_measured_is_an_empty_cell() -> None:
    assert Figure("seconds", [5.0], "s").cells == ("seconds", "", "5.00 s", "", "", "", "")


def test_a_ratio_is_taken_in_each_round() -> None:
    figure = Figure("read", [2.0, 4.0, 9.0], "s", peer="COPY", theirs=[1.0, 2.0, 3.0])
    assert figure.cells[4] == "2 [2..3] times peer"


@pytest.mark.parametrize(
    ("base", "goal", "verdict"), [([10.0], "≤ 0.35 times base", "met"), ([], "", "")]
)
def test_a_goal_against_the_base_build_holds_where_there_is_one(
    base: list[float], goal: str, verdict: str
) -> None:
    figure = Figure("--help", [3.5], "s", most=0.35, of=BASE, base=base)
    assert (*figure.cells[-2:], figure.met) == (goal, verdict, True)


def test_the_table_is_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    read = Figure("read", [4.0], "s", most=2.0, of=PEER, peer="COPY", theirs=[2.0])
    print_table([read, Figure("memory", [301.0], "MB", most=300.0, form=".0f")])
    assert (
        capsys.readouterr().out
        == """
|  | base build | this build | peer | ratio | goal |  |
|---|---|---|---|---|---|---|
| read |  | 4.00 s | COPY: 2.00 s | 2 times peer | ≤ 2 times peer | met |
| memory |  | 301 MB |  |  | ≤ 300 | **missed** |
"""
    )
