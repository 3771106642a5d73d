"""How numbers, times and names are said, to people and to programs."""


def pluralize(number: int, noun: str) -> str:
    """A number of things: ``1 document``, ``2,000 documents``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def agree(number: int, singular: str, plural: str) -> str:
    """The verb for so many."""
    return singular if number == 1 else plural


def humanize_duration(seconds: float) -> str:
    """A time as people say it: ``45 s``, ``12 min``, ``3 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def camel_case(name: str) -> str:
    """A field as the backend's code spells it: ``is_gpu_enabled`` becomes ``isGPUEnabled``."""
    first, *rest = name.split("_")
    return first + "".join("GPU" if part == "gpu" else part.capitalize() for part in rest)
