"""The models we ship, and how they are derived from their origin."""
