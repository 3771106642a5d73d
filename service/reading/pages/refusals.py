"""Messages for files that cannot be read, by code, in Indonesian and English."""

from service.errors import DocumentError

#: Indonesian and English message by code. Codes are never renamed.
REFUSALS = {
    "empty_file": (
        "Berkas kosong; silakan unggah ulang foto kartu Anda.",
        "The file is empty; please upload the photo of your card again.",
    ),
    "file_too_large": (
        "Berkas terlalu besar; silakan unggah foto atau PDF berukuran paling banyak 5 MB.",
        "The file is too large; please upload a photo or PDF of at most 5 MB.",
    ),
    "not_an_image": (
        "Jenis berkas ini tidak dapat dibaca; silakan unggah foto kartu sebagai JPEG, PNG, atau PDF.",
        "This file type cannot be read; please upload a photo of your card as JPEG, PNG or PDF.",
    ),
    "truncated_image": (
        "Gambar rusak atau tidak lengkap; silakan unggah ulang foto kartu Anda.",
        "The picture is damaged or incomplete; please upload the photo of your card again.",
    ),
    "image_too_large": (
        "Gambar terlalu besar; silakan unggah foto dengan resolusi lebih rendah.",
        "The picture is too large; please upload a photo with a lower resolution.",
    ),
    "image_too_small": (
        "Gambar terlalu kecil untuk dibaca; silakan unggah foto yang lebih besar.",
        "The picture is too small to read; please upload a larger photo.",
    ),
    "encrypted_pdf": (
        "PDF dilindungi kata sandi; silakan unggah PDF tanpa kata sandi atau foto kartu Anda.",
        "The PDF is protected by a password; please upload one without, or a photo of your card.",
    ),
    "broken_pdf": (
        "PDF rusak atau tanpa halaman; silakan unggah ulang, atau unggah foto kartu Anda.",
        "The PDF is damaged or has no pages; please upload it again, or upload a photo of your card.",
    ),
    "file_takes_too_long": (
        "Berkas terlalu rumit untuk dibuka; silakan unggah foto baru kartu Anda sebagai JPEG.",
        "The file is too complex to open; please upload a new photo of your card as JPEG.",
    ),
    "file_breaks_decoder": (
        "Berkas tidak dapat dibuka; silakan unggah foto baru kartu Anda sebagai JPEG.",
        "The file cannot be opened; please upload a new photo of your card as JPEG.",
    ),
}


def too_large(limit: int) -> DocumentError:
    """Return the error for a file of more than ``limit`` bytes; ``REFUSALS`` tells the default limit."""
    told = f" {limit / 2**20:g} MB"
    indonesian, english = (sentence.replace(" 5 MB", told) for sentence in REFUSALS["file_too_large"])
    return DocumentError("file_too_large", indonesian, english)


def refusal(code: str) -> DocumentError:
    """Return the error for a code of ``REFUSALS``.

    Raises:
        ValueError: the code is unknown.
    """
    if code not in REFUSALS:
        raise ValueError(code)
    return DocumentError(code, *REFUSALS[code])
