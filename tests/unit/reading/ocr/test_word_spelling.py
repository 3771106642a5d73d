"""Word boundaries by spelling."""

import re
from importlib.resources import files
from itertools import chain

import pytest

from devstack import names
from service.reading.ocr.word_spelling import (
    EDGE,
    boundary_log_odds,
    has_only_card_words,
    is_card_word,
    is_known_word,
)


@pytest.mark.parametrize(("before", "after"), [("IN", "NU"), ("UM", "WI"), ("OK", "CI"), ("AN", "BL")])
def test_letters_that_hardly_follow_each_other_belong_to_two_words(before: str, after: str) -> None:
    assert boundary_log_odds(before, after) > 0


@pytest.mark.parametrize(
    ("before", "after"), [("RA", "HM"), ("AH", "MA"), ("SU", "HA"), ("IN", "GS"), ("WA", "TI"), ("MU", "HA")]
)
def test_letters_of_common_names_belong_to_one_word(before: str, after: str) -> None:
    assert boundary_log_odds(before, after) < 0


def test_a_single_letter_before_an_edge_is_hardly_a_word() -> None:
    assert boundary_log_odds(EDGE + "B", "UD") < boundary_log_odds("AB", "UD")


def test_the_bench_prints_no_name_that_is_in_the_list() -> None:
    listed = {*files("service.reading.ocr").joinpath("words.txt").read_text(encoding="ascii").split()}
    lists = (value for name, value in vars(names).items() if name.isupper() and isinstance(value, tuple))
    printed = {*re.findall(r"[A-Z]{3,}", " ".join(chain.from_iterable(lists)))}

    assert len(printed) > 80
    assert listed & printed == set()


def test_names_of_people_and_places_and_words_of_cards_are_known() -> None:
    assert is_known_word(": RAHMAWATI DEWI", 6)
    assert is_known_word("PROVINSI JAWA TIMUR", 16)
    assert is_known_word("SEMARANG,17-02-1961", 3)
    assert not is_known_word("RAHMAWATIDEWI", 9)
    assert not is_known_word("BLOK 12", 5)


def test_a_name_is_no_word_of_the_card_because_another_one_may_differ_by_a_letter() -> None:
    assert is_card_word(": KAWIN", 4)
    assert not is_card_word(": SUHARTI", 4)


def test_a_text_of_card_words_alone() -> None:
    assert has_only_card_words(": BELUM KAWIN")
    assert not has_only_card_words(": KAWIN RAHMAT")
    assert not has_only_card_words(": KAWIN 5")
    assert not has_only_card_words("Agama : ISLAM")
