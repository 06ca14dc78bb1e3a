"""Public holidays by country: a container of days, worked out when first asked for. Pure; knows no clock."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Container

import holidays

NONE: Container[dt.date] = frozenset()


@functools.lru_cache(maxsize=1024)
def _of_year(country: str, year: int) -> frozenset[dt.date]:
    """The public holidays of one country and year; none where the country is not known."""
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


class DaysOff:
    """`day in DaysOff("TR")`: whether a day is a public holiday there. Days moved to a working day count too."""

    __slots__ = ("country",)

    def __init__(self, country: str):
        self.country = country

    def __contains__(self, day: object) -> bool:
        """Whether the day is a holiday."""
        return isinstance(day, dt.date) and day in _of_year(self.country, day.year)


@functools.lru_cache(maxsize=512)
def _of_country(country: str) -> DaysOff:
    return DaysOff(country)


def days_off_of(*countries: str) -> Container[dt.date]:
    """The holidays of the first country that is named (two letters); none where no country is."""
    for country in countries:
        if country:
            return _of_country(country.upper())
    return NONE
