"""Formulas: pure functions, Decimal in and out, no Django, no clock, no database."""
