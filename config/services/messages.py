"""Compiles the translations with Babel: no system gettext is needed."""

from __future__ import annotations

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_messages(locale_folder: Path) -> list[Path]:
    """Compiles each catalog that is newer than its compiled form; the paths of what was made."""
    made = []
    for source in sorted(locale_folder.glob("*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        language = source.parent.parent.name
        with source.open("rb") as file:
            catalog = read_po(file, locale=language)
        # into place at once: another process may be reading the old one
        temporary = compiled.with_suffix(f".{os.getpid()}")
        with temporary.open("wb") as file:
            write_mo(file, catalog)
        temporary.rename(compiled)
        made.append(compiled)
    return made
