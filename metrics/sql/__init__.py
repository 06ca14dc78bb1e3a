"""Set-based statements: the only place with raw SQL of figures and scores."""
