"""Replaces a marked block in a page of docs/."""

from pathlib import Path


def marks(block: str) -> tuple[str, str]:
    """Return the comment lines around a block of this name in the source of a Markdown page."""
    return f"<!-- {block}: begin -->", f"<!-- {block}: end -->"


def replace_block(page: Path, block: str, markdown: str) -> None:
    """Put ``markdown`` between the marks of a block.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = marks(block)
    before, found_begin, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{page} has no {begin} with {end} after it")
    page.write_text(f"{before}{begin}\n\n{markdown}\n\n{end}{after}", encoding="utf-8")
