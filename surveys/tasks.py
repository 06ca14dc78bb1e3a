"""The tick of surveys: plan, queue, send, clean up. Safe to run twice, at once and out of turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery import shared_task
from django.core.cache import cache
from django.db import connection

from accounts.actions.instances import watch_instance
from accounts.actions.outbox import MailSession, worker_name
from accounts.actions.verbatim_sweeps import sweep_texts
from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.text.classifier import TooFewAnswers
from surveys.actions.announcements import send_news
from surveys.actions.cases import escalate_late, follow_work
from surveys.actions.closing import close_expired, follow_mails, revoke_moved
from surveys.actions.dispatch import expire, queue_due, send_queued
from surveys.actions.follow_ups import open_due_cases
from surveys.actions.planning import plan
from surveys.actions.playbook_requests import ask_for_playbooks
from surveys.actions.promoters import ask_promoters
from surveys.actions.reminders import queue_reminders
from surveys.actions.trial_letters import send_trials
from surveys.actions.verbatims import read_answers, train_classifier

FULL_SWEEP_SECONDS = 3600
# what the cache remembers for so long
FULL_SWEEP, CLOSING = "surveys:full-sweep", "surveys:closing"
# what one tick sends at most, so that it ends within its minute; the next goes on
MAILS_A_TICK, SECONDS_A_TICK = 5000, 40


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """Whether no other process is inside a block of this name; held by the database session, so that a kill frees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])


@shared_task(name="surveys.tick", ignore_result=True)
def tick() -> dict[str, int]:
    """One round; a full sweep of the planner once an hour (a lost mark only means another sweep)."""
    now = read_clock()
    done: dict[str, int] = {}
    with _alone("surveys.tick.plan") as mine:
        if mine:
            full = bool(cache.add(FULL_SWEEP, 1, FULL_SWEEP_SECONDS))
            done |= {f"plan_{key}": count for key, count in plan(as_of=now, full=full).items()}
    done |= {f"playbook_{key}": count for key, count in ask_for_playbooks(now=now).items()}
    done["unknown"] = expire(now=now)
    if cache.add(CLOSING, 1, FULL_SWEEP_SECONDS):
        done |= {"moved": revoke_moved(now=now), "closed": close_expired(now=now), "followed": follow_mails()}
    if watch_instance():
        # a copy, or a database that was restored: nothing leaves until an admin has confirmed it
        return done
    with _alone("surveys.tick.send") as mine, MailSession() as session:
        if mine:
            done |= {f"queue_{key}": count for key, count in queue_due(as_of=now, now=now).items()}
            done |= {f"remind_{key}": count for key, count in queue_reminders(as_of=now, now=now).items()}
            done |= {
                f"mail_{key}": count for key, count in send_queued(as_of=now, now=now, worker=worker_name(), session=session, limit=MAILS_A_TICK, seconds=SECONDS_A_TICK).items()
            }
            done |= {f"trial_{key}": count for key, count in send_trials(now=now, worker=worker_name(), session=session).items()}
    return done


@shared_task(name="surveys.read_texts", ignore_result=True)
def read_texts() -> int:
    """Reads comments of answers as they come in."""
    return sweep_texts(part="surveys.read_answers", read=read_answers, now=read_clock())


@shared_task(name="surveys.train_classifier", ignore_result=True)
def train_text_classifier(language: str, actor_id: int | None = None) -> int | None:
    """Trains a classifier on the installation's own scored answers, asked for by a person; None where there are too few."""
    try:
        return train_classifier(language=language, now=read_clock(), actor=User.objects.filter(pk=actor_id or 0).first()).pk
    except TooFewAnswers:
        return None


@shared_task(name="surveys.close_loops", ignore_result=True)
def close_loops() -> dict[str, int]:
    """Cases of unhappy answers: those that waited long enough open, work and case follow each other, late ones escalate, promoters are asked to help."""
    now = read_clock()
    done = {"opened": open_due_cases(now=now), "followed": follow_work(now=now), "late": escalate_late(now=now), "promoters": ask_promoters(now=now)}
    with _alone("surveys.news") as mine, MailSession() as session:
        if mine:
            done |= {f"news_{key}": count for key, count in send_news(as_of=now, worker=worker_name(), session=session, clock=read_clock).items()}
    return done


@shared_task(name="surveys.send_trial_letters", ignore_result=True)
def send_trial_letters() -> dict[str, int]:
    """Sends trials of mails to those who write them; woken by the editor, and by every tick."""
    with _alone("surveys.trials") as mine, MailSession() as session:
        return dict(send_trials(now=read_clock(), worker=worker_name(), session=session)) if mine else {}
