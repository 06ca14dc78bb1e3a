"""Segments as rules say: who belongs where, what a change of rules would do, how large segments were."""
