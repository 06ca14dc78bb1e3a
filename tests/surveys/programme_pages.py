"""What the tests of programmes' pages send and look at."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from surveys.actions.programme_values import plain_values
from surveys.models import Touchpoint
from surveys.programme_forms import initial_of


def page(client: Client, name: str = "surveys:programme", *args: Any, **query: Any) -> Any:
    """A page of surveys; without arguments the programme of solved tickets."""
    return client.get(reverse(name, args=args or (["ticket-solved"] if name == "surveys:programme" else [])), query)


def fields(values: dict[str, Any], **other: Any) -> dict[str, Any]:
    """What the form of these values sends."""
    sent = {name: value for name, value in initial_of(values).items() if value is not None and value is not False}
    return {**sent, "window_from": values["window_from"], "window_until": values["window_until"], "segments": values["segments"], **other}


def of(key: str = "ticket-solved") -> Touchpoint:
    """The programme of a key."""
    return Touchpoint.objects.get(key=key)


def save(client: Client, row: Touchpoint, **other: Any) -> Any:
    """Saves a programme as it stands but for these fields."""
    return client.post(reverse("surveys:programme", args=[row.key]), fields(plain_values(row), version=row.version, do="save", **other))
