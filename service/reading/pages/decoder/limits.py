"""What a file may ask for: sizes, memory and time. Both sides of the seam read them here."""

#: Bytes; uploads are at most 5 MiB, but nothing enforces that.
MAX_FILE_SIZE = 20 * 1024 * 1024

#: Pixels of a page's longest side: A4 at 300 dots an inch fits, on which a card of its own size is 1011 wide.
MAX_SIDE = 3520

#: Pixels of the longest side that a JPEG must keep when it is decoded at a part of its size.
MIN_DRAFT_SIDE = 2000

#: Pixels of the longest side of a page's small copy in colour.
COPY_SIDE = 360

#: Pixels of a page's shortest side: nobody can read less.
MIN_SIDE = 48

#: Pixels that are decoded in full: a phone's 8064 x 6048 fits. As colours with transparency that is 200 MB.
PIXEL_BUDGET = 50_000_000

#: Pixels of a JPEG that is decoded line by line at a reduced size.
REDUCIBLE_PIXEL_BUDGET = 120_000_000

#: A card has two sides; what follows is not part of the card.
MAX_PAGES = 2

#: PDFium's units (points) are enlarged at most so much: 300 dots an inch.
MAX_PDF_SCALE = 300 / 72

#: Bytes of address space of the decoding process, its code included.
MEMORY = 768 * 1024 * 1024

#: s of processor time that one file may take; pictures of ``PIXEL_BUDGET`` take about two.
CPU_TIME = 6.0

#: s by the clock for one file: after so many times ``CPU_TIME`` it is the machine that stands still.
DEADLINE = 60.0
