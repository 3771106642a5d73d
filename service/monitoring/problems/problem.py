"""One problem, as the page, `status` and `doctor` show it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: ``down``: work stands still, or results do not arrive; ``warn``: work goes on, but somebody should look.
Level: TypeAlias = Literal["down", "warn"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem."""

    level: Level
    #: What is wrong, one sentence.
    sentence: str
    #: What to do about it, one sentence.
    advice: str
    #: The command to type; may be empty.
    command: str = ""
