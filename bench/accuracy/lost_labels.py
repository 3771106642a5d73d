"""`make lost-labels`: which fields of a KTP are still right when its labels cannot be read.

Cards are drawn and read by the engine; then labels are taken from what it read, as blur, glare or the
picture's edge take them from real cards, and the rest goes to the parser.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from bench.accuracy.levels import Level
from bench.accuracy.readings import CACHE, CardReading, readings
from bench.accuracy.seeds import LABELS_LOST_FROM
from bench.accuracy.verdicts import normalised
from bench.machine import usable_cores
from bench.markdown import replace_block
from service.reading.documents.ktp import LABELS, read_ktp
from service.reading.documents.labels import Label
from service.reading.documents.layout import Piece, slice_piece
from service.reading.documents.scoring import CONTRACT_FIELDS
from service.reading.ocr.engine import TextLine

#: How a label gets lost: not found at all, cut off but for its last third, or read as other letters.
Way: TypeAlias = Literal["not found", "cut off", "misread"]
WAYS: tuple[Way, ...] = ("not found", "cut off", "misread")

LEVELS: tuple[Level, ...] = ("flat", "photo", "cropped", "messenger", "app", "worn")

#: Shares of the labels that are lost.
SHARES = (0.0, 0.5, 0.8, 1.0)

#: Letters that are read in place of others.
_LETTERS = "ABCDEFGHIKLMNOPRSTUWYabcdefghiklmnoprstu"


def main() -> None:
    """Print the table, and write it into a Markdown file where one is named."""
    options = _options()
    jobs = [(level, LABELS_LOST_FROM + index) for index in range(options.cards) for level in LEVELS]
    read = readings(jobs, options.cache, usable_cores())
    cards = [card for card in read if card.document_type == "KTP" and card.pages]
    rows = [(f"{share:.0%}", *(_shares(cards, share, way) for way in WAYS)) for share in SHARES]
    table = "\n".join(
        f"| {' | '.join(row)} |" for row in [("labels lost", *WAYS), ("---:",) * (1 + len(WAYS)), *rows]
    )
    print(table)
    if options.markdown:
        replace_block(options.markdown, "lost-labels", table)


def _shares(cards: Sequence[CardReading], share: float, way: Way) -> str:
    """Say how many contract fields are right, and how many are wrong rather than unread."""
    printed = right = wrong = 0
    for card in cards:
        rng = random.Random(f"{card.level} {card.seed} {way}")
        fields = read_ktp([*_without_labels(card.pages[0].lines, share, way, rng)])
        keys = [key for key in CONTRACT_FIELDS["KTP"] if key in card.truth]
        found = {key: normalised(key, fields[key].value) for key in keys if key in fields}
        same = sum(found[key] == normalised(key, card.truth[key]) for key in found)
        printed, right, wrong = printed + len(keys), right + same, wrong + len(found) - same
    return f"{right / printed:.1%} ({wrong} of {printed} wrong)"


def _without_labels(
    lines: Sequence[TextLine], share: float, way: Way, rng: random.Random
) -> Iterator[TextLine]:
    labels = _labels(lines)
    for line in lines:
        label = labels.get(line)
        if label is None or rng.random() >= share:
            yield line
        elif (rest := _damaged(line, label, way, rng)) is not None:
            yield rest


def _labels(lines: Sequence[TextLine]) -> Mapping[TextLine, Label]:
    """Return the lines that start with a label: for each key the likeliest, as values resemble them too."""
    starts = [(label, line) for line in lines for label in LABELS.at_start(line.text)[:1]]
    starts.sort(key=lambda start: start[0].likeness)
    return {line: label for label, line in {label.key: (label, line) for label, line in starts}.values()}


def _damaged(line: TextLine, label: Label, way: Way, rng: random.Random) -> TextLine | None:
    """Return a line without its label, or None where nothing else was in it."""
    if way == "misread":
        letters = (rng.choice(_LETTERS) if one.isalpha() and rng.random() < 0.7 else one for one in line.text)
        return TextLine("".join(letters)[: label.end] + line.text[label.end :], line.confidence, line.box)
    kept = label.end if way == "not found" else label.end * 2 // 3
    if not any(map(str.isalnum, line.text[kept:])):
        return None
    return slice_piece(Piece(line, 0, 1, 0, 1), kept, len(line.text)).line


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy.lost_labels", description=__doc__)
    parser.add_argument("--cards", type=int, default=40, help="of each level")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of kept readings")
    parser.add_argument("--markdown", type=Path, help="page with markers to put the table into")
    return parser.parse_args()


if __name__ == "__main__":
    main()
