"""What runs for tickets in the background: ratings, promised times, mail. May run twice, and beside itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from celery import shared_task

from accounts.actions.verbatim_sweeps import sweep_texts
from accounts.models import Heartbeat
from accounts.queries.clock import read_clock
from tickets.actions.clocks import fill_missing_clocks
from tickets.actions.dispatch import dispatch
from tickets.actions.handed_over import give_back, open_handed_over
from tickets.actions.promise_work import close_kept, record_breaches, record_near
from tickets.actions.ratings import keep_ratings
from tickets.actions.reopening import reopen_wanted
from tickets.actions.unsorted import forget_dropped
from tickets.actions.verbatims import read_messages

RECENT = dt.timedelta(minutes=15)
SWEEP_EVERY = dt.timedelta(hours=1)
SWEEP_BACK = dt.timedelta(days=90)
BATCHES = 20


@shared_task(name="tickets.tick", ignore_result=True)
def tick() -> dict[str, Any]:
    """One round: keeps ratings, opens tickets for work that was handed over and gives it back,
    opens again what customers ask for, works out missing clocks, tells of promises that come near or are broken, sends replies.

    Each round looks at the last quarter of an hour; the first of every hour looks far back, so that
    nothing is missed for good, whatever stood still.
    """
    now = read_clock()
    swept = Heartbeat.objects.filter(part="tickets.sweep").values_list("beaten_at", flat=True).first()
    sweeping = swept is None or swept <= now - SWEEP_EVERY
    since = now - (SWEEP_BACK if sweeping else RECENT)
    done: dict[str, Any] = {"rated": keep_ratings(since=since, now=now, wide=sweeping), "reopened": reopen_wanted(since=since, now=now, wide=sweeping), "clocks": 0}
    done["handed_over"] = open_handed_over(since=since, now=now, wide=sweeping)
    done["given_back"] = give_back(now=now)
    for _batch in range(BATCHES):
        taken = fill_missing_clocks(now=now)
        done["clocks"] += taken
        if not taken:
            break
    done["near"] = record_near(now=now)
    done["breaches"] = record_breaches(since=since, now=now)
    done["kept"] = close_kept(now=now)
    if sweeping:
        forget_dropped(now=now)
        Heartbeat.objects.update_or_create(part="tickets.sweep", defaults={"beaten_at": now})
    done["mails"] = dispatch(clock=read_clock)
    return done


@shared_task(name="tickets.send", ignore_result=True)
def send() -> dict[str, int]:
    """Sends due replies at once; the nudge after one was written."""
    return dispatch(clock=read_clock)


@shared_task(name="tickets.rate", ignore_result=True)
def rate() -> int:
    """Keeps recent ratings and opens again what customers ask for, at once; the nudge after an answer came in."""
    now = read_clock()
    return keep_ratings(since=now - RECENT, now=now) + reopen_wanted(since=now - RECENT, now=now)


@shared_task(name="tickets.read_texts", ignore_result=True)
def read_texts() -> int:
    """Reads what customers wrote in tickets."""
    return sweep_texts(part="tickets.read_messages", read=read_messages, now=read_clock())
