"""Entering the public holidays of a country."""

from __future__ import annotations

import holidays
from django.db import transaction

from tickets.actions.clocks import restart_clocks
from tickets.models import Holiday


class UnknownCountry(ValueError):
    """No holidays are known of this country, or of this part of it."""


def add_holidays(*, country: str, year: int, part: str = "") -> list[Holiday]:
    """Enters the public holidays of a country (ISO 3166, as TR) in a year, and of one part of it where named; returns the new ones.

    Days that stand there already keep their names, so a second time adds nothing. Open tickets get
    their promised times anew. Raises UnknownCountry.
    """
    try:
        found = holidays.country_holidays(country.upper(), subdiv=part or None, years=year)
    except NotImplementedError as unknown:
        raise UnknownCountry(country) from unknown
    with transaction.atomic():
        days = {day: str(name)[:120] for day, name in found.items()}
        known = set(Holiday.objects.filter(day__in=days).values_list("day", flat=True))
        new = [Holiday(day=day, name=name) for day, name in sorted(days.items()) if day not in known]
        Holiday.objects.bulk_create(new, ignore_conflicts=True)
        if new:
            restart_clocks()
    return new
