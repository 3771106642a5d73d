"""Real servers out of wheels and invented cards, for the demo, the tests and developers."""
