"""Funnels: how many accounts go from one event to the next, how fast, and which of them are stuck."""
