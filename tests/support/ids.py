"""Document ids of tests, by a name that says what they are for."""

import uuid


def id_of(name: str) -> str:
    """The id of the document with this name; the same at every call."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


#: A document that nobody has a row of.
STRANGER = id_of("stranger")

CARD, FIRST, SECOND, THIRD, NEXT, OTHER = map(id_of, ("card", "first", "second", "third", "next", "other"))
