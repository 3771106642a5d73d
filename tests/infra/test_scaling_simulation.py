"""The simulation of scaling, and what it says of the stack's policies."""

from bench.day import DAY
from bench.scaling import LOADS, Load, Outcome, Policies, simulate


def test_workers_are_paid_for_little_longer_than_they_are_needed(outcomes: dict[str, Outcome]) -> None:
    assert {
        name: round(o.worker_hours / o.ideal_hours, 2)
        for name, o in outcomes.items()
        if o.worker_hours > 1.25 * o.ideal_hours
    } == {}


def test_no_load_makes_the_workers_flap(outcomes: dict[str, Outcome]) -> None:
    # Up to three more workers, and down again.
    assert max(outcome.changes for outcome in outcomes.values()) <= 6


def test_documents_wait_minutes_while_workers_start(outcomes: dict[str, Outcome]) -> None:
    assert max(outcome.longest_wait for outcome in outcomes.values()) < 15


def test_an_empty_queue_alone_would_keep_workers_for_hours(
    policies: Policies, outcomes: dict[str, Outcome]
) -> None:
    light = LOADS[0]

    assert (
        simulate(light, policies.with_empty_queue_scale_in()).worker_hours
        > 3 * outcomes[light.name].worker_hours
    )


def test_the_same_seed_gives_the_same_numbers(policies: Policies) -> None:
    short = Load("an hour", 60, lambda _: 600)

    assert simulate(short, policies) == simulate(short, policies)
    assert simulate(short, policies, seed=1) != simulate(short, policies)


def test_worker_hours_add_up(policies: Policies) -> None:
    idle = simulate(Load("nothing", DAY, lambda _: 0), policies)

    assert (idle.documents, idle.worker_hours, idle.ideal_hours, idle.changes) == (0, 24, 24, 0)
