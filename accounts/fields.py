"""Field types that several models use."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


def validate_time_zone(value: str) -> None:
    """Raises ValidationError unless the value names a zone of the IANA database."""
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise ValidationError(_("“%(value)s” is no time zone; use a name such as Europe/Istanbul."), params={"value": value}) from fault


def validate_currency(value: str) -> None:
    """Raises ValidationError unless the value looks like an ISO 4217 code."""
    if len(value) != 3 or not value.isascii() or not value.isalpha() or not value.isupper():
        raise ValidationError(_("“%(value)s” is no currency; use a three-letter code such as EUR."), params={"value": value})


class TimeZoneNameField(models.CharField):
    """The name of a zone of the IANA time zone database."""

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs.setdefault("max_length", 64)
        super().__init__(*args, **kwargs)
        self.validators.append(validate_time_zone)


class CurrencyField(models.CharField):
    """An ISO 4217 code in capitals."""

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs.setdefault("max_length", 3)
        super().__init__(*args, **kwargs)
        self.validators.append(validate_currency)


class MoneyField(models.DecimalField):
    """An amount in units of a currency, with room for six decimals; never a float."""

    def __init__(self, *args: Any, **kwargs: Any):
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 6)
        super().__init__(*args, **kwargs)
