"""Limits of size, memory and time for a file. Used by the worker and by the decoder process."""

#: Bytes: the highest value of `OCR_GPU_MAX_FILE_SIZE`.
MAX_FILE_SIZE = 20 * 1024 * 1024

#: Longest side of a page in pixels: enough for A4 at 300 dpi, on which a card of original size is 1011 wide.
MAX_SIDE = 3520

#: Longest side in pixels that a JPEG keeps at least when it is decoded at a reduced size.
MIN_DRAFT_SIDE = 2000

#: Longest side of a page's small copy in colour, in pixels.
COLOUR_COPY_SIDE = 360

#: Shortest side of a page in pixels; smaller ones are illegible.
MIN_SIDE = 48

#: Limit of pixels decoded at full size: a phone's 8064 x 6048 fits. With colour and transparency that is 200
#: MB.
PIXEL_BUDGET = 50_000_000

#: Limit of pixels of a JPEG that is decoded at a reduced size, row by row.
REDUCIBLE_PIXEL_BUDGET = 210_000_000

#: Limit of pixels of a progressive JPEG: its coefficients, up to 6 bytes per pixel, are all held in memory.
PROGRESSIVE_PIXEL_BUDGET = 64_000_000

#: A card has two sides; further pages are not part of it.
MAX_PAGES = 2

#: Pages of a PDF among which those are looked for that show something.
MAX_SEARCHED_PAGES = 8

#: Largest scale from PDF units (points) to pixels: 300 dpi.
MAX_PDF_SCALE = 300 / 72

#: Address space of the decoder process in bytes, its code included.
MEMORY = 768 * 1024 * 1024

#: CPU time per file in seconds; pictures of ``PIXEL_BUDGET`` take about two.
CPU_TIME = 6.0

#: Wall time per file in seconds: so much longer than ``CPU_TIME`` that the machine must be stalled.
DEADLINE = 60.0
