"""The fault bench: real workers and servers are killed, stalled and cut off; `make chaos` runs it."""
