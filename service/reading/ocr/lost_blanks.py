"""Finds blanks between words that the recogniser lost, such as the one in ``BUDISANTOSO``.

Words on real cards stand so close that in small pictures the gap is narrower than one step of the network.
Four traces remain: the network's doubt that two letters are adjacent, when it reads the line and when it
looks at it stretched; the gap on the pixels; and the spelling. A logistic model weighs them. A first one, of
what is known without the second look, chooses the lines that are worth one. The coefficients are in
``lost_blanks.json``; ``make blanks`` fits them on drawn cards (``bench/accuracy/blanks.py``).
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from service.reading.ocr.punctuation_recheck import Recheck
from service.reading.ocr.recognition import Character, LineText
from service.reading.ocr.word_spelling import EDGE, boundary_log_odds, is_known_word

#: The second look at a suspect line. Of the looks that were tried (once to three times as wide, with and
#: without sharpening) this one tells lost blanks from adjacent letters best. A third look gains little.
SECOND_LOOK = Recheck(1.25)

#: Log-odds of a blank, by the first model, from which a line is looked at again: one in fifty.
MIN_SUSPICION = -4.0

#: Probability from which a blank is inserted. Of what is less probable a person is told.
MIN_PROBABILITY = 0.75

#: Letters that the network is more certain to be adjacent are: of 188 lost blanks it was so certain of seven.
MAX_CERTAINTY = 0.9999

#: Gaps are measured where one so many cap heights wider than others would make a line suspect.
_EXPECTED_WIDTH = 0.065

#: Certainties of the network that count as no more certain, and as no less.
_MAX_CERTAINTY, _MIN_CERTAINTY = 1 - 1e-6, 0.12

#: Log-odds for a look that shows the blank.
_SEEN = 2.0

#: Behind an abbreviation a full stop was lost, not a blank.
_ENDS_WITH_ABBREVIATION = re.compile(r"\b[B-DF-HJ-NP-TV-XZ]{2,3}$")


class Gap(NamedTuple):
    """Two capitals that were read as adjacent, and the traces of a blank between them."""

    #: Offset of the second one in the line's text.
    offset: int
    #: Log-odds by the network's first look.
    first: float
    #: How much wider than others of the line, in cap heights.
    width: float
    #: Log-odds by spelling.
    spelling: float
    #: Log-odds by the second look; None if there is none.
    second: float | None = None


@cache
def coefficients() -> Mapping[str, tuple[float, ...]]:
    """Return intercept and coefficients of the models ``suspicion`` and ``blank``."""
    given = json.loads(files(__package__ or "").joinpath("lost_blanks.json").read_text(encoding="ascii"))
    return MappingProxyType({name: tuple(model.values()) for name, model in given.items()})


def gaps(line: LineText) -> list[Gap]:
    """Return the pairs of capitals of a line between which a blank may have been lost."""
    text = line.text
    found = []
    for offset, one in enumerate(line.characters):
        if one.joint > MAX_CERTAINTY or not offset:
            continue
        pair = text[offset - 1 : offset + 1]
        is_one_word = _ENDS_WITH_ABBREVIATION.search(text, 0, offset) or is_known_word(text, offset)
        if pair.isalpha() and pair.isupper() and not is_one_word:
            around = _around(text, offset)
            found.append(Gap(offset, _log_odds(one.joint), one.gap, boundary_log_odds(*around)))
    return found


def is_worth_measuring(line: LineText) -> bool:
    """Whether the width of a gap could make a line suspect."""
    return any(
        log_odds("suspicion", gap._replace(width=_EXPECTED_WIDTH)) > MIN_SUSPICION for gap in gaps(line)
    )


def is_suspect(line: LineText) -> bool:
    """Whether a line, with its gaps measured, is worth a second look."""
    return any(log_odds("suspicion", gap) > MIN_SUSPICION for gap in gaps(line))


def restore_blanks(line: LineText, second: LineText | None = None) -> LineText:
    """Insert the blanks that were probably lost, and say how doubtful that is.

    Parameters:
        second: the second look; None if the line is not worth one
    """
    found = gaps(line) if second is None else with_second_look(line, second)
    doubt = 0.0
    # From the last to the first: inserting a blank then moves no offset of those still to come.
    for gap in reversed(found):
        # A look that shows other letters confirms nothing.
        is_looked_at = gap.second is not None
        probability = 1 / (1 + math.exp(-log_odds("blank" if is_looked_at else "suspicion", gap)))
        is_lost = is_looked_at and probability > MIN_PROBABILITY
        doubt = max(doubt, 1 - probability if is_lost else probability)
        line = _with_blank(line, gap.offset) if is_lost else line
    return replace(line, blank_doubt=doubt)


def with_second_look(line: LineText, second: LineText) -> list[Gap]:
    """Return the gaps with what the second look says of them: nothing, if it shows other letters."""
    letters, blanks = _by_letter(second)
    if letters != _by_letter(line)[0]:
        return gaps(line)
    numbers = {offset: number for number, offset in enumerate(_letter_offsets(line))}
    return [gap._replace(second=blanks[numbers[gap.offset]]) for gap in gaps(line)]


def log_odds(model: str, gap: Gap) -> float:
    """Return the log-odds of a blank by one of the two models."""
    intercept, *weights = coefficients()[model]
    features = features_of(gap, with_second=model == "blank")
    return intercept + math.fsum(weight * each for weight, each in zip(weights, features, strict=True))


def features_of(gap: Gap, *, with_second: bool) -> tuple[float, ...]:
    """Return what the model weighs, in the order of its coefficients."""
    known = (gap.first, gap.width, gap.spelling)
    return (*known, gap.first if gap.second is None else gap.second) if with_second else known


def _by_letter(line: LineText) -> tuple[str, list[float]]:
    """Return letters and digits of a line, and the log-odds of a blank before each."""
    read, blanks = [], []
    is_apart = False
    for one in line.characters:
        if one.text.isalnum():
            read.append(one.text)
            blanks.append(_SEEN if is_apart else _log_odds(one.joint))
            is_apart = False
        is_apart |= one.text.isspace()
    return "".join(read), blanks


def _letter_offsets(line: LineText) -> list[int]:
    return [offset for offset, one in enumerate(line.characters) if one.text.isalnum()]


def _log_odds(joint: float) -> float:
    certainty = min(max(joint, _MIN_CERTAINTY), _MAX_CERTAINTY)
    return math.log((1 - certainty) / certainty)


def _around(text: str, offset: int) -> tuple[str, str]:
    """Return the two characters before and behind an offset, with edges for what is no capital."""
    before, after = text[max(0, offset - 2) : offset], text[offset : offset + 2]
    return _letters(before).rjust(2, EDGE), _letters(after).ljust(2, EDGE)


def _letters(text: str) -> str:
    return re.sub(r"[^A-Z]", EDGE, text)


def _with_blank(line: LineText, offset: int) -> LineText:
    before, after = line.characters[:offset], line.characters[offset:]
    apart = (after[0]._replace(joint=1.0, gap=0.0), *after[1:])
    return replace(line, characters=(*before, Character(" "), *apart))
