"""The secret key of an installation: given, or made once and kept below its data folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from config.environment import WrongSetting


def secret_key(variables: Mapping[str, str], data: Path) -> str:
    """`SECRET_KEY` where it is set, else the one kept in the data folder (made on first use).

    Raises WrongSetting for a key of under 50 characters, which could be guessed.
    """
    given = variables.get("SECRET_KEY")
    if given:
        if len(given) < 50:
            raise WrongSetting("SECRET_KEY", given, "at least 50 random characters")
        return given
    path = data / "secret_key"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
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
