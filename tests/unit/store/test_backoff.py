from service.store.backoff import backoff


def test_delays_double_up_to_the_longest_and_are_spread_over_their_upper_half() -> None:
    ceilings = [2, 4, 8, 10, 10]

    delays = [[backoff(failures, 2, 10) for _ in range(50)] for failures in range(4)] + [
        [backoff(500, 2, 10)]
    ]

    for ceiling, drawn in zip(ceilings, delays, strict=True):
        assert all(ceiling / 2 <= delay <= ceiling for delay in drawn)
    assert len(set(delays[0])) > 1
