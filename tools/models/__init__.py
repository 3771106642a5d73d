"""Derives the shipped OCR models from their published package."""
