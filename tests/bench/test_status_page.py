"""The table of the bench for the status page."""

from rich.console import Console

from bench.contenders import Run
from bench.status_page import WITH, WITHOUT, Findings, as_table


def test_the_table_says_what_the_page_costs() -> None:
    runs = {
        WITHOUT: [Run(10.0, 8.0, 1.0, []), Run(12.0, 8.0, 1.0, [])],
        WITH: [Run(12.5, 8.4, 1.5, []), Run(12.0, 8.0, 1.0, [])],
    }
    findings = Findings(runs, {WITHOUT: 0.002, WITH: 0.0065}, [0.02, 0.04, 0.1])
    console = Console(width=200)

    with console.capture() as printed:
        console.print(as_table(findings, cards=10))

    text = " ".join(printed.get().split())
    assert "0.82 (0.80 to 0.83)" in text
    assert "90% (80% to 100%)" in text
    assert "102% (100% to 105%)" in text
    assert "costs an idle worker 4.5 ms of CPU time" in text
    assert "after 40 ms at the median and 100 ms at most, 3 times" in text
