"""How right cards are read: invented ones at named levels of damage, or one's own labelled ones."""
