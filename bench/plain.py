"""The baseline: Tesseract's text of a picture, and regular expressions.

Written as a quick script would be, by someone who has seen both cards, with each pattern as lenient as a
pattern over a text blob can be.
"""

import io
import re

import pytesseract
from PIL import Image, ImageOps

from service.reading.documents.fields import DocumentType

KTP_PATTERNS = {
    "nik": r"\b(\d{16})\b",
    "name": r"Nama\s*[:;.]?\s*(.+)",
    "birthPlace": r"Lahir\s*[:;.]?\s*([A-Z. ]+?)\s*[,.]\s*\d",
    "birthDate": r"Lahir.*?(\d{2}-\d{2}-\d{4})",
    "gender": r"(LAKI-LAKI|PEREMPUAN)",
    "address": r"Alamat\s*[:;.]?\s*((?:.|\n)+?)\s*RT\s*/",
    "religion": r"Agama\s*[:;.]?\s*(\w+)",
    "maritalStatus": r"Perkawinan\s*[:;.]?\s*(BELUM KAWIN|KAWIN|CERAI HIDUP|CERAI MATI)",
}

NPWP_PATTERNS = {
    "npwpNumber": r"(\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}|\b\d{16}\b)",
    "name": r"NPWP.*\s+(.+)",
}

PATTERNS = {"KTP": KTP_PATTERNS, "NPWP": NPWP_PATTERNS}


def read_card(content: bytes, document_type: DocumentType) -> dict[str, str]:
    """Return the contract's fields of a picture, as far as the patterns match."""
    # Half of the photographs lie on their side and say so: without this none of those could be read.
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    # The format of the file that pytesseract hands over. Left alone it is PNG, which takes half as long
    # again to write as the text to read; JPEG would lose fields.
    picture.format = "PPM"
    return find_fields(pytesseract.image_to_string(picture, "ind+eng", "--psm 3"), document_type)


def find_fields(text: str, document_type: DocumentType) -> dict[str, str]:
    """Return what the patterns find, with each run of whitespace made one space."""
    found = {key: re.search(pattern, text) for key, pattern in PATTERNS[document_type].items()}
    return {key: " ".join(match[1].split()) for key, match in found.items() if match}
