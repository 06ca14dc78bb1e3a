"""Reads shaped like a page: one module a page, each with a bounded number of statements."""
