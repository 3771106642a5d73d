"""The table of costs in docs/benchmarks.md is what the prices and the measured speed come to."""

import json

import pytest

from bench.costs import PRICES, Machine, as_markdown, break_even, pays_from
from bench.markdown import marks
from bench.measured import PAGE, cpu_documents_a_second


def test_the_docs_have_the_current_table() -> None:
    begin, end = marks("costs")
    block = PAGE.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0].strip()

    assert block == as_markdown(json.loads(PRICES.read_text()), cpu_documents_a_second())


def test_dollars_for_a_thousand_documents() -> None:
    assert Machine("one", 3.6, found=True).for_thousand(10) == pytest.approx(0.1)


def test_a_gpu_pays_from_as_many_documents_as_its_price_in_cpus_reads() -> None:
    gpu, cpu = Machine("gpu", 1.0, found=True), Machine("cpu", 0.25, found=True)

    assert break_even(gpu, cpu, rate=5) == 20
    # Most of a day's documents come in daylight.
    assert pays_from(gpu, cpu, rate=5) == pytest.approx(20 * 86_400 / 2.26, rel=0.01)
