"""Formatting of numbers, durations and names."""


def pluralize(number: int, noun: str) -> str:
    """Format a count with its noun: ``1 document``, ``2,000 documents``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def agree(number: int, singular: str, plural: str) -> str:
    """Return the form of a verb or pronoun that agrees with a count."""
    return singular if number == 1 else plural


def humanize_duration(seconds: float) -> str:
    """Format a duration in one unit: ``45 s``, ``12 min``, ``3 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def camel_case(name: str) -> str:
    """Convert a name to the backend's spelling: ``is_gpu_enabled`` becomes ``isGPUEnabled``."""
    first, *rest = name.split("_")
    return first + "".join("GPU" if part == "gpu" else part.capitalize() for part in rest)
