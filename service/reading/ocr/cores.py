"""Lends the cores that no page needs to the pages that are being read."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Cores:
    """The cores that pages are read on. Thread-safe.

    Each page has one core, which is the fastest way while there are as many pages as cores. With fewer pages
    the remaining cores recognise some of a page's lines, so that a lone document is done sooner.

    Parameters:
        count: number of cores; by default those that this process may use
    """

    def __init__(self, count: int | None = None) -> None:
        self._lock = threading.Lock()
        self._count = count or _usable_cores()
        #: Negative while there are more pages than cores, or while a lent core is still computing.
        self._free = self._count

    @contextmanager
    def reading_page(self) -> Iterator[None]:
        """Take one core for as long as a page is read."""
        self._change(-1)
        try:
            yield
        finally:
            self._change(+1)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Apply a function to items on this thread and on free cores; results are in the same order.

        A lent core goes back between two items as soon as a page needs it. The first exception of the
        function ends the work and is raised.
        """
        helpers = self._borrow(len(items) - 1)
        if not helpers:
            return [function(item) for item in items]
        # Threads share the iterator: its `next` is one step of the interpreter.
        rest, results = enumerate(items), dict[int, Result]()

        def work(goes_on: Callable[[], bool]) -> None:
            try:
                for index, item in rest:
                    results[index] = function(item)
                    if not goes_on():
                        break
            except BaseException:
                # Nothing is left for the other threads either.
                deque(rest, maxlen=0)
                raise

        def help_out() -> None:
            try:
                work(lambda: self._free >= 0)
            finally:
                self._change(+1)

        with ThreadPoolExecutor(helpers, thread_name_prefix="lent-core") as pool:
            lent = [pool.submit(help_out) for _ in range(helpers)]
            work(lambda: True)
        for each in lent:
            each.result()
        return [results[index] for index in range(len(items))]

    def _borrow(self, wanted: int) -> int:
        with self._lock:
            lent = max(0, min(wanted, self._free))
            self._free -= lent
        return lent

    def _change(self, count: int) -> None:
        with self._lock:
            self._free += count


def _usable_cores() -> int:
    # macOS, where developers work, has no affinity.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
