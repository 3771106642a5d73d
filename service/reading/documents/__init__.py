"""Text lines in, fields and a score out."""
