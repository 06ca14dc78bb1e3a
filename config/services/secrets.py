"""The secret key of an installation that was given none: made once and kept below its data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from config.environment import make_data_folder


def kept_secret_key(data: Path) -> str:
    """The key kept in the data folder, made on first use; readable by its owner alone."""
    path = data / "secret_key"
    if not path.exists():
        make_data_folder(data)
        temporary = data / f"secret_key.{os.getpid()}"
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            # link fails where another process was first: then that one's key is the key
            os.link(temporary, path)
        except FileExistsError:
            pass
        temporary.unlink()
    return path.read_text().strip()
