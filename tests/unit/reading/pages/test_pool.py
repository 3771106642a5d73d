from concurrent.futures import ThreadPoolExecutor

import pytest

from service.reading.pages import DecoderPool, close_decoders, read_pages
from tests.unit.reading.pages.measuring import decoders
from tests.unit.reading.pages.samples import sample, saved

pytestmark = pytest.mark.usefixtures("no_decoder")

SMALL = saved(sample(), "PNG")


def test_a_pool_ends_its_decoders_when_it_is_closed() -> None:
    with DecoderPool() as pool:
        read_pages(SMALL, pool)
        assert len(decoders()) == 1

    assert decoders() == []


def test_a_closed_pool_can_be_used_again() -> None:
    with DecoderPool() as pool:
        read_pages(SMALL, pool)
        pool.close()
        pool.close()

        assert len(read_pages(SMALL, pool)) == 1


def test_the_decoders_of_the_process_are_closed() -> None:
    read_pages(SMALL)
    assert len(decoders()) == 1

    close_decoders()

    assert decoders() == []


def test_a_pool_that_is_closed_while_others_read_answers_all_of_them() -> None:
    with DecoderPool() as pool, ThreadPoolExecutor(4) as threads:
        reads = [threads.submit(read_pages, SMALL, pool) for _ in range(8)]
        for _ in range(8):
            threads.submit(pool.close).result()

        assert [len(read.result()) for read in reads] == [1] * 8
