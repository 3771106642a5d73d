"""A terminal recording as an animated SVG: real commands on a real terminal, replayed in a few seconds."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

#: Columns of the terminal; px of a character and of a line.
COLUMNS, CHARACTER, LINE = 88, 8.4, 19

#: s that typing a command takes, that a command's output may take at most, and that it is then looked at.
TYPING, OUTPUT, LOOK = 1.0, 1.2, 2.6

#: s after the last line until the recording begins anew.
REST = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a screen."""

    #: s after the beginning at which it appears.
    at: float
    text: Text


def record(commands: Sequence[str], environment: Mapping[str, str]) -> list[list[Line]]:
    """Run each command on a terminal of its own, and return its screen; longer outputs are sped up.

    Raises:
        subprocess.CalledProcessError: a command failed.
    """
    screens, start = [], 0.3
    for command in commands:
        prompt = Text.assemble(("$ ", "green"), (command, "bold"))
        output = list(_output(command, environment))
        last = max([at for at, _ in output], default=0.0)
        pace = min(1.0, OUTPUT / last) if last else 1.0
        begin = start + TYPING
        lines = [Line(begin + at * pace, Text.from_ansi(text)) for at, text in output]
        screens.append([Line(start, prompt), *lines])
        start = begin + last * pace + LOOK
    return screens


def _output(command: str, environment: Mapping[str, str]) -> Iterator[tuple[float, str]]:
    """Yield each line of a command's output with the s after which it came."""
    ours, theirs = pty.openpty()
    program = [sys.executable, "-m", "service", *command.split()[1:]]
    variables = {**os.environ, **environment, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    started = time.monotonic()
    with subprocess.Popen(
        program, env=variables, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    ) as running:
        os.close(theirs)
        left = b""
        while chunk := _read(ours):
            *lines, left = (left + chunk).split(b"\n")
            for line in lines:
                yield time.monotonic() - started, line.decode(errors="replace").rstrip()
    os.close(ours)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says so when the program has ended.
        return b""


def as_svg(screens: Sequence[Sequence[Line]]) -> str:
    """Return the recording as an SVG that plays in a loop, wherever pictures are shown."""
    total = max(line.at for screen in screens for line in screen) + LOOK + REST
    rows = max(len(screen) for screen in screens)
    width, height = round(COLUMNS * CHARACTER + 32), rows * LINE + 52
    ends = [screen[0].at for screen in screens[1:]] + [total]
    body, rules = [], []
    for number, (screen, end) in enumerate(zip(screens, ends, strict=True)):
        for row, line in enumerate(screen):
            name = f"l{number}-{row}"
            rules.append(_rule(name, line.at / total, end / total, total))
            body.append(f'<g class="{name}">{_text(line.text, row)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}">'
        f"<style>text {{ font: 14px ui-monospace, Menlo, Consolas, monospace; white-space: pre }}"
        f"{''.join(rules)}</style>"
        f'<rect width="{width}" height="{height}" rx="10" fill="#14191f"/>'
        '<circle cx="20" cy="18" r="5" fill="#ff5f57"/><circle cx="38" cy="18" r="5" fill="#febc2e"/>'
        '<circle cx="56" cy="18" r="5" fill="#28c840"/>'
        f"{''.join(body)}</svg>\n"
    )


def _rule(name: str, begin: float, end: float, seconds: float) -> str:
    """Show an element from one share of the recording to another."""
    return (
        f"@keyframes {name} {{ 0%, {100 * begin:.2f}% {{ opacity: 0 }} "
        f"{100 * begin + 0.01:.2f}%, {100 * end:.2f}% {{ opacity: 1 }} "
        f"{min(100.0, 100 * end + 0.01):.2f}%, 100% {{ opacity: 0 }} }}"
        f".{name} {{ animation: {name} {seconds:.1f}s step-end infinite }}"
    )


def _text(text: Text, row: int) -> str:
    """One line: a `text` for each run of one style, as wide as a terminal would make it."""
    y, column, found = row * LINE + 52, 0, []
    for run in text.divide(sorted({edge for span in text.spans for edge in (span.start, span.end)})):
        if run.plain.strip():
            place = f'x="{16 + column * CHARACTER:.1f}" y="{y}" textLength="{len(run) * CHARACTER:.1f}"'
            found.append(f"<text {place} {_look(run)}>{escape(run.plain)}</text>")
        column += len(run)
    return "".join(found)


def _look(run: Text) -> str:
    style = Style.combine([Style.parse(str(span.style)) for span in run.spans] or [Style()])
    colour = style.color.get_truecolor(MONOKAI) if style.color else None
    fill = colour.hex if colour else "#dfe5ec"
    weight = ' font-weight="bold"' if style.bold else ""
    return f'fill="{fill}"{weight}' + (' opacity=".6"' if style.dim else "")
