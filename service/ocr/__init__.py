"""Pages in, text lines out."""
