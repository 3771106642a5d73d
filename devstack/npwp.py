"""The tax card (NPWP) in its printed forms: with a number of 15 digits, and since 2024 with one of 16."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from PIL import Image as Pictures
from PIL import ImageDraw

from devstack.artwork import draw_rosette, waved_ground
from devstack.people import Person, printed_date
from devstack.printing import CARD_SIZE, FACES, OVERSAMPLING, Family, Ink, PrintedText

#: ``classic``: 15 digits; ``classic-nik``: the same with the NIK below the name; ``2024``: 16 digits, for a
#: resident the NIK itself; ``2024-nik``: 16 digits made from the old number (0 in front), and the NIK.
NpwpForm: TypeAlias = Literal["classic", "classic-nik", "2024", "2024-nik"]

NPWP_FORMS: tuple[NpwpForm, ...] = ("classic", "classic-nik", "2024", "2024-nik")

_WHITE, _YELLOW, _BLUE = (250, 250, 250), (244, 196, 48), (22, 52, 110)


@dataclass(frozen=True, slots=True)
class NpwpDesign:
    """How one print run looks; positions and sizes in card pixels."""

    family: Family = "Arimo"
    left: float = 52
    number_size: float = 40
    text_size: float = 30
    #: The line below the number, and from one line's baseline to the next.
    first_line_y: float = 262
    pitch: float = 44
    pale: Ink = (250, 244, 214)
    deep: Ink = (226, 232, 226)
    wavelength: float = 14
    #: A band of colour behind the heading; without it the heading is printed in blue.
    band: bool = True
    #: ``Nama :`` in front of the name; most cards have no such label.
    labelled: bool = False
    rosette: bool = False


STANDARD = NpwpDesign()

#: Pale and deep inks of the ground: cream, white, light blue.
_GROUNDS: tuple[tuple[Ink, Ink], ...] = (
    ((250, 244, 214), (226, 232, 226)),
    ((248, 248, 246), (226, 230, 236)),
    ((228, 240, 250), (200, 220, 240)),
)


def draw_npwp_design(rng: random.Random) -> NpwpDesign:
    """Draw a look."""
    pale, deep = rng.choice(_GROUNDS)
    return NpwpDesign(
        family=rng.choice(("Arimo", "Arimo", "Roboto", "RobotoCondensed")),
        left=rng.choice((52, 52, 84)),
        number_size=rng.uniform(36, 42),
        text_size=rng.uniform(27, 31),
        first_line_y=rng.uniform(258, 266),
        pitch=rng.uniform(40, 45),
        pale=pale,
        deep=deep,
        wavelength=rng.uniform(9, 18),
        band=rng.random() < 0.7,
        labelled=rng.random() < 0.15,
        rosette=rng.random() < 0.5,
    )


def npwp_texts(person: Person, form: NpwpForm, design: NpwpDesign = STANDARD) -> Iterator[PrintedText]:
    """Return every text on ``person``'s card, in reading order."""
    regular, bold = FACES[design.family]
    upper, lower = (_WHITE, _YELLOW) if design.band else (_BLUE, _BLUE)
    yield PrintedText("KEMENTERIAN KEUANGAN REPUBLIK INDONESIA", 192, 66, 31, bold, upper)
    yield PrintedText("DIREKTORAT JENDERAL PAJAK", 192, 112, 31, bold, lower)
    label = PrintedText(
        "NPWP : " if form.startswith("classic") else "NPWP16 : ", design.left, 210, design.number_size, bold
    )
    yield label
    number = printed_npwp(person, form)
    # The label's last space is no ink, yet the number stands behind it.
    behind = label.bounds()[2] + 0.3 * design.number_size
    yield PrintedText(number, behind, 210, design.number_size, bold, keys=("npwpNumber",))
    for line, (text, key) in enumerate(_lines(person, form, design)):
        face = bold if line == 0 else regular
        y = design.first_line_y + line * design.pitch
        yield PrintedText(text, design.left, y, design.text_size, face, keys=(key,))
    yield PrintedText(person.tax_office, design.left, 560, 26, bold)
    registered = f"TERDAFTAR : {printed_date(person.registered)}"
    yield PrintedText(registered, design.left, 602, 26, regular, keys=("registeredAt",))


def npwp_artwork(rng: random.Random, design: NpwpDesign = STANDARD) -> Pictures.Image:
    """The card without its text, at the printing scale."""
    ground = waved_ground(rng, design.pale, design.deep, design.wavelength)
    pen = ImageDraw.Draw(ground)
    if design.rosette:
        draw_rosette(pen, rng, (720, 400), 210, design.deep)
    if design.band:
        width = CARD_SIZE[0] * OVERSAMPLING
        pen.rectangle((0, 0, width, 142 * OVERSAMPLING), fill=_BLUE)
        pen.rectangle((0, 142 * OVERSAMPLING, width, 152 * OVERSAMPLING), fill=_YELLOW)
    for inset, ink in ((0, _YELLOW), (12, _BLUE), (20, _WHITE), (34, _YELLOW)):
        # A plain badge: the ministry's own emblem has no place on an invented card.
        pen.regular_polygon((110 * OVERSAMPLING, 72 * OVERSAMPLING, (54 - inset) * OVERSAMPLING), 5, fill=ink)
    return ground


def npwp_truth(person: Person, form: NpwpForm) -> dict[str, str]:
    """Return the card's fields by the contract's keys."""
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


def _lines(person: Person, form: NpwpForm, design: NpwpDesign) -> Iterator[tuple[str, str]]:
    """The lines below the number, each with the field that it holds."""
    yield (f"Nama : {person.name}" if design.labelled else person.name), "name"
    if form.endswith("-nik"):
        yield f"NIK : {person.nik}", "nik"
    for line in _address(person):
        yield line, "address"
