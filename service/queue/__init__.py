"""FiLot's Redis list as a Dramatiq queue: what waits, what is taken, and who holds it."""
