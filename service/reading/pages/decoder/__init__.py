"""Decoder program: turns a file's bytes into pages, in a separate process that a bad file may crash.

It is started from its folder, not as a part of ``service``. It loads Pillow and PDFium and nothing else of
the worker, so it starts in a tenth of a second and holds no secrets, connections or models. So its modules
use relative imports, and import nothing outside of this folder.
"""
