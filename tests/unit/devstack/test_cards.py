"""The demo's and the bench's uploads."""

import random

import numpy as np
import pytest

from devstack.cards import DemoCard, Level, invent_card, sample_cards
from devstack.printing import CARD_SIZE
from service.reading.documents.dates import parse_date
from service.reading.documents.nik import matches_birth_date
from service.reading.pages import read_pages


@pytest.mark.parametrize("level", ["flat", "photo", "scan"])
def test_the_same_seed_gives_the_same_bytes(level: Level) -> None:
    first, second = sample_cards(7, 2, level), sample_cards(7, 2, level)

    assert first == second


def test_another_seed_gives_other_people() -> None:
    ours, theirs = sample_cards(1, 2, "flat"), sample_cards(2, 2, "flat")

    assert [card.truth for card in ours] != [card.truth for card in theirs]


@pytest.mark.slow
def test_the_demo_shows_both_types_at_every_level_and_leaves_something_to_a_person(
    cards: list[DemoCard],
) -> None:
    kinds = {(card.document_type, card.level) for card in cards}

    assert len(cards) >= 14
    assert {level for _, level in kinds} == {"flat", "scan", "photo", "turned", "poor"}
    assert {kind for kind, _ in kinds} == {"KTP", "NPWP"}
    assert {card.expected_outcome for card in cards if card.level == "poor"} == {"pending_manual_review"}
    assert {card.content_type for card in cards} == {"image/jpeg", "image/png", "application/pdf"}


@pytest.mark.slow
def test_names_are_unique_and_files_bear_them(cards: list[DemoCard]) -> None:
    assert len({card.name for card in cards}) == len(cards)
    assert all(card.filename.startswith(f"{card.name}.") for card in cards)


@pytest.mark.slow
def test_every_upload_is_accepted_and_within_the_backends_limit(cards: list[DemoCard]) -> None:
    for card in cards:
        assert len(card.content) <= 5 * 1024 * 1024
        assert len(read_pages(card.content)) == 1


@pytest.mark.slow
def test_only_the_card_made_to_do_so_contradicts_itself(cards: list[DemoCard]) -> None:
    contradictory = []
    for card in cards:
        if card.document_type == "KTP":
            born = parse_date(card.truth["birthDate"])
            assert born is not None
            if not matches_birth_date(card.truth["nik"], born):
                contradictory.append(card)

    assert [card.name.rsplit("-", 1)[1] for card in contradictory] == ["contradiction"]
    assert contradictory[0].expected_outcome == "pending_manual_review"


@pytest.mark.slow
def test_a_phones_note_of_its_orientation_is_the_only_sign_of_a_picture_stored_sideways(
    cards: list[DemoCard],
) -> None:
    card = next(card for card in cards if card.name.endswith("exif"))

    page = read_pages(card.content)[0].image

    assert page.shape[1] > page.shape[0]


def test_a_printed_card_fills_its_picture() -> None:
    card = invent_card("one", "KTP", random.Random(3))

    assert card.image.shape == (CARD_SIZE[1], CARD_SIZE[0], 3)
    assert card.image.dtype == np.uint8


@pytest.mark.parametrize("level", ["flat", "photo", "turned"])
def test_samples_are_of_their_level_and_take_both_types_in_turn(level: Level) -> None:
    cards = sample_cards(3, 4, level)

    assert [card.document_type for card in cards] == ["KTP", "NPWP", "KTP", "NPWP"]
    assert {card.level for card in cards} == {level}
