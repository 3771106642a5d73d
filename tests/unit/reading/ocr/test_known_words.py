"""Words that cards print for everybody, and names that no drawn card has."""

import re
from importlib.resources import files
from itertools import chain

from devstack import names
from service.reading.ocr.known_words import has_only_card_words, known_words


def test_the_bench_prints_no_name_that_is_in_the_list() -> None:
    listed = {*files("service.reading.ocr").joinpath("words.txt").read_text(encoding="ascii").split()}
    lists = (value for name, value in vars(names).items() if name.isupper() and isinstance(value, tuple))
    printed = {*re.findall(r"[A-Z]{3,}", " ".join(chain.from_iterable(lists)))}

    assert len(printed) > 80
    assert listed & printed == set()


def test_names_of_people_and_places_and_words_of_cards_are_known() -> None:
    assert {"RAHMAWATI", "TIMUR", "SEMARANG", "KAWIN"} <= known_words()


def test_a_text_of_card_words_alone() -> None:
    assert has_only_card_words(": BELUM KAWIN")
    assert not has_only_card_words(": KAWIN RAHMAT")
    assert not has_only_card_words(": KAWIN 5")
    assert not has_only_card_words("Agama : ISLAM")
