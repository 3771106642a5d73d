"""What other benches have measured, as docs/benchmarks.md keeps it."""

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

#: The row of `make bench` that stands for a worker on the CPU: two cores, two documents at a time.
_CPU_ROW = re.compile(r"^\| worker, 2 at a time \| ([0-9.]+) ", re.MULTILINE)


def cpu_documents_a_second() -> float:
    """Documents a second of one worker on two cores.

    Raises:
        ValueError: the page has no such row.
    """
    found = _CPU_ROW.search(PAGE.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{PAGE} has no row of a worker with two documents at a time")
    return float(found[1])
