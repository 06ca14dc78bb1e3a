"""Stages as rules say: who belongs where, how accounts do there, what a change of rules would do, and the map of the journey."""
