"""The program that turns a file's bytes into pages, in a process of its own that may die of a file.

It is started by its folder, not as a part of ``service``: it loads Pillow and PDFium and nothing else of the
worker, so it starts in a tenth of a second and holds no secret, no connection and no model. Its modules
therefore import one another relatively, and nothing above this folder.
"""
