"""`manage.py add-holidays TR 2026`: the public holidays of a country, for the business clock."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tickets.actions.calendars import UnknownCountry, add_holidays


class Command(BaseCommand):
    """Enters the days and says which; a second time adds nothing."""

    help = "Enters the public holidays of a country in a year as days on which no business clock runs. Open tickets get their promised times anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Country, year, and a part of the country where its holidays differ."""
        parser.add_argument("country", help="two letters of ISO 3166, as TR or DE")
        parser.add_argument("year", type=int)
        parser.add_argument("--part", default="", metavar="CODE", help="a state or province, as BY for Bavaria")

    def handle(self, *args: Any, **options: Any) -> None:
        """Adds, and lists what is new."""
        if not 1990 <= options["year"] <= 2100:
            raise CommandError("The year lies between 1990 and 2100.")
        try:
            new = add_holidays(country=options["country"], year=options["year"], part=options["part"])
        except UnknownCountry as unknown:
            raise CommandError(f"No holidays are known of {options['country']} {options['part']}".rstrip() + ".") from unknown
        for day in new:
            self.stdout.write(f"{day.day}  {day.name}")
        self.stdout.write(f"{len(new)} new days.")
