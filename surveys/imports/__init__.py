"""The kinds of import of answers."""
