"""Cover for absence: who looks after whose book, from when to when. Nothing changes hands, so nothing has to go back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.models import Cover, User
from accounts.roles import WRITES_ACCOUNTS, Role

MOST_DAYS = 366


class CoverRefused(ValueError):
    """A cover that cannot be; `field` names the place, `why` is one of the keys of `accounts.forms.covers.REFUSALS`."""

    def __init__(self, field: str, why: str):
        self.field, self.why = field, why
        super().__init__(f"{field}: {why}")


def sees_by_cover(absent: User, substitute: User) -> bool:
    """Whether the book would lie open: to every CSM while it lasts, to an admin and to the lead of the team anyway."""
    return substitute.role in {Role.CSM, Role.ADMIN} or (substitute.role == Role.MANAGER and substitute.team_id is not None and substitute.team_id == absent.team_id)


def set_cover(*, absent: User, substitute: User, starts_at: dt.datetime, ends_at: dt.datetime, now: dt.datetime) -> Cover:
    """Lets `substitute` see and change the book of `absent` from `starts_at` until `ends_at` (which is the first moment after).

    Raises CoverRefused: for oneself, somebody who has left or could not work with the book, a time that is over,
    ends before it begins or lasts more than a year, and another cover of the same absence in that time.
    """
    if absent.role not in WRITES_ACCOUNTS or not absent.is_active:
        raise CoverRefused("absent", "no_book")
    if substitute.pk == absent.pk:
        raise CoverRefused("substitute", "oneself")
    if not substitute.is_active:
        raise CoverRefused("substitute", "left")
    if not sees_by_cover(absent, substitute):
        raise CoverRefused("substitute", "not_seen")
    if ends_at <= starts_at:
        raise CoverRefused("last", "ends_first")
    if ends_at <= now:
        raise CoverRefused("last", "over")
    if ends_at - starts_at > dt.timedelta(days=MOST_DAYS):
        raise CoverRefused("last", "too_long")
    with transaction.atomic():
        # the person is the lock of the absences
        User.objects.select_for_update(no_key=True).only("pk").get(pk=absent.pk)
        if Cover.objects.filter(absent=absent, starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
            raise CoverRefused("first", "covered")
        return Cover.objects.create(absent=absent, substitute=substitute, starts_at=starts_at, ends_at=ends_at)


def end_cover(*, cover: Cover, now: dt.datetime) -> None:
    """Ends a cover at once; one that has not begun never was, one that is over stays as it is."""
    if cover.starts_at >= now:
        cover.delete()
    elif cover.ends_at > now:
        cover.ends_at = now
        cover.save(update_fields=["ends_at"])
