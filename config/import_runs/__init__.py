"""Imports at the pages: what an upload looks like, how its columns become ours, and the work in the background.

The engine is that of `manage.py load`, `load-bundle` and `unload`; here stands only what people need around it.
"""
