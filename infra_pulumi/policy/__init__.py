"""The rules as a policy pack."""
