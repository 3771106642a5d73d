"""A lone page gets every core; a core goes back as soon as another page needs it."""

import threading

import pytest

from service.reading.ocr.cores import Cores
from tests.support.waiting import TIMEOUT


def thread_of(item: int) -> threading.Thread:
    return threading.current_thread()


def test_results_are_in_the_order_of_the_items() -> None:
    cores = Cores(4)

    with cores.reading_page():
        assert cores.map(lambda item: item * item, range(100)) == [item * item for item in range(100)]


def test_a_lone_page_is_computed_on_every_core() -> None:
    cores = Cores(3)
    # Passes when three threads are inside the function at once.
    together = threading.Barrier(3)

    with cores.reading_page():
        assert sorted(cores.map(lambda item: together.wait(TIMEOUT), range(3))) == [0, 1, 2]


def test_with_a_page_for_each_core_each_computes_in_its_own_thread() -> None:
    cores = Cores(2)

    with cores.reading_page(), cores.reading_page():
        assert set(cores.map(thread_of, range(10))) == {threading.current_thread()}


def test_a_lent_core_goes_back_when_a_page_needs_it() -> None:
    cores, own = Cores(2), threading.current_thread()
    lent, taken, done = threading.Event(), threading.Event(), threading.Event()
    helped: list[int] = []

    def compute(item: int) -> None:
        if threading.current_thread() is own:
            assert taken.wait(TIMEOUT)
            # Time for the helper to take a second item, if it would.
            done.wait(0.2 if item < 2 else 0)
        else:
            helped.append(item)
            lent.set()
            assert taken.wait(TIMEOUT)

    def read_another_page() -> None:
        assert lent.wait(TIMEOUT)
        with cores.reading_page():
            taken.set()
            assert done.wait(TIMEOUT)

    other = threading.Thread(target=read_another_page)
    other.start()
    with cores.reading_page():
        cores.map(compute, range(100))
    done.set()
    other.join(TIMEOUT)

    assert len(helped) == 1


def test_cores_are_lent_again_after_every_call() -> None:
    cores = Cores(2)

    for _ in range(5):
        together = threading.Barrier(2)
        with cores.reading_page():
            cores.map(lambda item, together=together: together.wait(TIMEOUT), range(2))  # type: ignore[misc]


@pytest.mark.parametrize("failing", [0, 1, 7])
def test_an_exception_ends_the_work_and_is_raised(failing: int) -> None:
    cores = Cores(2)
    computed: list[int] = []

    def compute(item: int) -> None:
        if item == failing:
            raise IndexError("the network failed")
        computed.append(item)

    with cores.reading_page(), pytest.raises(IndexError, match="the network failed"):
        cores.map(compute, range(100_000))

    assert len(computed) < 99_999
    assert cores.map(lambda item: item, range(3)) == [0, 1, 2]
