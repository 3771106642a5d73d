"""The worker's GPU path on rendered cards: `python -m bench.gpu`."""
