"""Development stack: real servers from Python packages, and invented cards."""
