"""Imports by file: reader, mapping, transforms, staging, upsert with change detection, undo.

The engine knows no kind; each app declares its own (`accounts/imports`, `tickets/imports`,
`surveys/imports`), and `config/imports.py` lists them.
"""
