"""The tax card (NPWP) in its printed forms: with a number of 15 digits, and since 2024 with one of 16."""

import random
from collections.abc import Iterator
from typing import Literal, TypeAlias

from PIL import Image as Pictures
from PIL import ImageDraw

from service.demo.artwork import waved_ground
from service.demo.people import Person, printed_date
from service.demo.printing import CARD_SIZE, OVERSAMPLING, PrintedText

#: ``classic``: 15 digits; ``classic-nik``: the same with the NIK below the name; ``2024``: 16 digits, for a
#: resident the NIK itself; ``2024-nik``: 16 digits made from the old number (0 in front), and the NIK.
NpwpForm: TypeAlias = Literal["classic", "classic-nik", "2024", "2024-nik"]

NPWP_FORMS: tuple[NpwpForm, ...] = ("classic", "classic-nik", "2024", "2024-nik")

_LEFT, _FIRST_LINE_Y, _LINE_PITCH = 52, 262, 44
_WHITE, _YELLOW, _BLUE = (250, 250, 250), (244, 196, 48), (22, 52, 110)


def npwp_texts(person: Person, form: NpwpForm) -> Iterator[PrintedText]:
    """Every text on ``person``'s card, in reading order."""
    yield PrintedText("KEMENTERIAN KEUANGAN REPUBLIK INDONESIA", 192, 66, 31, "Arimo-Bold", _WHITE)
    yield PrintedText("DIREKTORAT JENDERAL PAJAK", 192, 112, 31, "Arimo-Bold", _YELLOW)
    label = "NPWP" if form.startswith("classic") else "NPWP16"
    yield PrintedText(f"{label} : {printed_npwp(person, form)}", _LEFT, 210, 40, "Arimo-Bold")
    for line, text in enumerate(_lines(person, form)):
        yield PrintedText(
            text,
            _LEFT,
            _FIRST_LINE_Y + line * _LINE_PITCH,
            30,
            "Arimo-Bold" if line == 0 else "Arimo-Regular",
        )
    yield PrintedText(person.tax_office, _LEFT, 560, 26, "Arimo-Bold")
    yield PrintedText(f"TERDAFTAR : {printed_date(person.registered)}", _LEFT, 602, 26)


def npwp_artwork(rng: random.Random) -> Pictures.Image:
    """The card without its text, at the printing scale."""
    ground = waved_ground(rng, pale=(250, 244, 214), deep=(226, 232, 226), wavelength=14)
    pen = ImageDraw.Draw(ground)
    width = CARD_SIZE[0] * OVERSAMPLING
    pen.rectangle((0, 0, width, 142 * OVERSAMPLING), fill=_BLUE)
    pen.rectangle((0, 142 * OVERSAMPLING, width, 152 * OVERSAMPLING), fill=_YELLOW)
    for inset, ink in ((0, _YELLOW), (12, _BLUE), (20, _WHITE), (34, _YELLOW)):
        # A plain badge: the ministry's own emblem has no place on an invented card.
        pen.regular_polygon((110 * OVERSAMPLING, 72 * OVERSAMPLING, (54 - inset) * OVERSAMPLING), 5, fill=ink)
    return ground


def npwp_truth(person: Person, form: NpwpForm) -> dict[str, str]:
    """What the card says, by the contract's keys."""
    truth = {
        "npwpNumber": printed_npwp(person, form),
        "name": person.name,
        "address": " ".join(_address(person)),
        "registeredAt": printed_date(person.registered),
    }
    if form.endswith("-nik"):
        truth["nik"] = person.nik
    return truth


def printed_npwp(person: Person, form: NpwpForm) -> str:
    """``12.345.678.9-012.345`` on the classic forms, else 16 digits without a break."""
    if form == "2024":
        return person.nik
    digits = person.npwp
    if form == "2024-nik":
        return f"0{digits}"
    return f"{digits[:2]}.{digits[2:5]}.{digits[5:8]}.{digits[8]}-{digits[9:12]}.{digits[12:]}"


def _address(person: Person) -> tuple[str, ...]:
    return (*person.address, f"{person.village} {person.region.district}", person.region.city)


def _lines(person: Person, form: NpwpForm) -> Iterator[str]:
    yield person.name
    if form.endswith("-nik"):
        yield f"NIK : {person.nik}"
    yield from _address(person)
