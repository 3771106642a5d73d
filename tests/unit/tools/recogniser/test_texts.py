"""The texts of training lines: what the recogniser can spell, and nothing that judges it."""

import random
import re

import pytest

from devstack import names
from tools.models.derive import CHARACTERS
from tools.recogniser.texts import invent_text

TEXTS = [invent_text(random.Random(seed)) for seed in range(3000)]


def test_the_same_seed_gives_the_same_text() -> None:
    assert invent_text(random.Random(7)) == invent_text(random.Random(7))


def test_every_character_is_one_that_the_recogniser_has() -> None:
    assert set("".join(TEXTS)) == CHARACTERS


def test_texts_are_as_short_as_lines_and_have_single_blanks() -> None:
    assert all(1 <= len(text) <= 60 and text == " ".join(text.split()) for text in TEXTS)


@pytest.mark.parametrize(
    "pattern", [r"[A-Z]'[A-Z]", r"I'I\b", r"\bJL\.[A-Z]", r"\b[A-Z]+ [A-Z]+ NO[.:]", r"^: \d{16}$"]
)
def test_what_gets_lost_is_frequent(pattern: str) -> None:
    assert sum(bool(re.search(pattern, text)) for text in TEXTS) >= 8


def test_names_of_the_cards_that_judge_are_not_among_the_texts() -> None:
    judging = {name for name in names._MEN + names._WOMEN + names._SURNAMES if len(name) > 5}
    # Each NPWP prints it: KPP PRATAMA is a kind of tax office.
    judging.remove("PRATAMA")

    assert not judging & set(re.split(r"[^A-Z']+", " ".join(TEXTS)))
