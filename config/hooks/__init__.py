"""Webhooks that come in: proof, maps, and what becomes of them."""
