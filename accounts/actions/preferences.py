"""What a person changes about the own view of Vefa."""

from __future__ import annotations

from accounts.models import User

# a switch in the frame sets one of these; each value must be among the field's choices
SWITCHES = ("language", "theme", "density")


class UnknownPreference(ValueError):
    """A preference, or a value of one, that does not exist."""


def set_preference(*, user: User, name: str, value: str) -> None:
    """Sets the language, the theme or the density. Raises UnknownPreference."""
    if name not in SWITCHES or value not in dict(getattr(User._meta.get_field(name), "choices", None) or ()):
        raise UnknownPreference(f"{name}={value}")
    setattr(user, name, value)
    user.save(update_fields=[name])
