"""What the worker promises about accuracy, and where a run falls short of it."""

from collections.abc import Iterator, Mapping, Sequence

from bench.accuracy.readers import EngineName
from bench.accuracy.summary import Summary

#: The engine that must reach the shares below, and those that must never approve a wrong number.
JUDGED: EngineName = "onnx"
DRIVERS: tuple[EngineName, ...] = ("onnx", "tesseract")

#: Least share of contract fields right, by level.
MIN_RIGHT: Mapping[str, float] = {
    **dict.fromkeys(("flat", "scan", "turned", "pdf"), 0.997),
    "photo": 0.995,
    **dict.fromkeys(("cropped", "messenger", "app"), 0.985),
    **dict.fromkeys(("worn", "foreigner"), 0.95),
    "hard": 0.88,
}

#: The level on which a wrong name, too, must always be sent to a person.
_NAMES_TO_REVIEW = "hard"


def shortfalls(summaries: Sequence[Summary]) -> Iterator[str]:
    """One sentence for each bar that is missed."""
    for summary in summaries:
        where = f"{summary.level}, {summary.engine}"
        if summary.must_review:
            if summary.engine in DRIVERS and summary.approved:
                yield f"{where}: approved {summary.approved} files that a person must see, 0 are promised"
            continue
        least = MIN_RIGHT.get(summary.level, 0.0)
        if summary.engine == JUDGED and summary.share_right < least:
            yield f"{where}: {summary.share_right:.2%} of contract fields right, {least:.1%} are promised"
        if summary.engine in DRIVERS and summary.approved_wrong.number:
            yield f"{where}: approved {summary.approved_wrong.number} with a wrong number, 0 are promised"
        if summary.engine == JUDGED and summary.level == _NAMES_TO_REVIEW and summary.approved_wrong.name:
            yield f"{where}: approved {summary.approved_wrong.name} with a wrong name, 0 are promised"
