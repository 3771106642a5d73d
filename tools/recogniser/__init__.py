"""Trains the last layers of the shipped recogniser on rendered lines."""
