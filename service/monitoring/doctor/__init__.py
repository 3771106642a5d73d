"""Looks at everything that a worker needs, and says what to do about what is wrong. Changes nothing."""
