"""From the bytes of a file to the fields of a card, without any server."""
