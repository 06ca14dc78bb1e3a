"""Everything that happens by itself, in one table.

Each entry wakes a sweep that looks in the tables for what is due; none carries anything that could
be lost. Intervals only, in seconds: what must happen at an hour of the organisation's day decides
that itself, from its own rows. A tick that waited longer than its interval is dropped (`expires`),
so a worker that comes back after an hour finds no heap of old ticks.
"""

from __future__ import annotations

from typing import Any


def _every(seconds: int, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": float(seconds), "options": {"expires": max(seconds, 30)}}


SCHEDULE: dict[str, dict[str, Any]] = {
    # a sign of life through beat, broker and worker; /readyz and doctor look at its age
    "heartbeat": _every(15, "config.heartbeat"),
    # surveys: plan what events ask for, send what is due, list what is uncertain
    "surveys": _every(60, "surveys.tick"),
    # health scores and snapshots of the accounts that something happened to
    "recompute": _every(20, "metrics.recompute_dirty"),
    # segments: overrides that ended, everybody after a change of rules and once a day; accounts that something happened to follow their health
    "segments": _every(20, "metrics.segments"),
    # rollups, segments, the whole base: hourly asked, done once a day after the organisation's midnight
    "nightly": _every(3600, "metrics.nightly"),
    # stages of the lifecycle: who moved on, whose time in a stage is over; everybody after a change of rules
    "stages": _every(20, "metrics.stages"),
    # closed months: figures of a month that is over stand; what is recorded about it later is logged as a restatement
    "close-months": _every(600, "metrics.close_months"),
    "restate-months": _every(60, "metrics.restate_months"),
    # initiatives: hourly asked, each measured once a day
    "initiatives": _every(3600, "metrics.measure_initiatives"),
    # backtests that somebody asked for; the page nudges, this makes sure
    "backtests": _every(60, "metrics.backtests"),
    # churn risk: hourly asked, trained once a week, every customer scored once a day
    "churn-risk": _every(3600, "metrics.churn_risk"),
    # how complete the facts about each customer are: written where it changed
    "known-facts": _every(3600, "metrics.known_facts"),
    # tickets: what the logs of those that were touched come to, for the figures of support
    "ticket-paths": _every(20, "metrics.ticket_paths"),
    # weekly reports: put those that are due into the outbox, send what waits there
    "reports": _every(60, "metrics.reports"),
    # work: wake what was snoozed, tell of renewals that come near
    "accounts": _every(60, "accounts.tick"),
    # plans with customers: completions, steps done by a rule, late steps, reviews of objectives
    "plans": _every(60, "accounts.plans"),
    # offers: asked every five minutes, worked out once an hour: whom they fit, what grew after them
    "offers": _every(300, "accounts.offers"),
    # playbooks: start what fits, do the steps that are due, send their mails and calls
    "playbooks": _every(30, "accounts.playbooks"),
    # webhooks that go out: often, because the second try comes five seconds after the first
    "webhooks": _every(5, "accounts.webhooks"),
    # the loop: unhappy answers become cases, late ones escalate, people hear what was settled
    "loops": _every(20, "surveys.close_loops"),
    # what customers wrote: language, sentiment and topics, soon after it was written
    "texts-surveys": _every(20, "surveys.read_texts"),
    "texts-tickets": _every(60, "tickets.read_texts"),
    "texts-accounts": _every(60, "accounts.read_texts"),
    # what spans the apps and was begun elsewhere: reports of mail providers, erasures
    "sweep": _every(30, "config.sweep"),
    # the sandbox, if there is one: made, moved on or removed a stretch at a time
    "sandbox": _every(10, "config.sandbox"),
    # imports at the pages: one file or bundle at a time; the page nudges, this makes sure
    "imports": _every(30, "config.imports"),
    # tickets: service levels that ran out, replies to send, ratings to keep
    "tickets": _every(60, "tickets.tick"),
}
