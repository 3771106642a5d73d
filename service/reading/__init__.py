"""Reading: from the bytes of a file to the fields of a card. Needs no server."""
