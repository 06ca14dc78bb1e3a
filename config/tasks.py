"""The tasks of the installation itself: a sign of life, and what spans the apps."""

from __future__ import annotations

from celery import shared_task

from accounts.actions.heartbeats import note_heartbeats
from accounts.queries.clock import read_clock
from config.erasing import sweep_erasures
from config.hooks.handling import sweep_hooks
from config.import_runs.uploads import forget_old
from config.import_runs.working import claim as claim_import
from config.import_runs.working import work as work_on_import
from config.inbound_mail import sweep_mails
from config.mail_reports import sweep_reports
from config.sandbox.working import claim as claim_sandbox
from config.sandbox.working import work as work_on_sandbox
from config.ticket_surveys import withdraw_gone


@shared_task(name="config.heartbeat", time_limit=20, soft_time_limit=15)
def heartbeat() -> None:
    """Came from beat, through the broker, into a worker: all three live."""
    note_heartbeats(parts=["beat", "worker"], now=read_clock())


@shared_task(name="config.sweep", ignore_result=True)
def sweep() -> dict[str, int]:
    """Works on what came in and waits (mails, reports, webhooks), finishes erasures, takes back surveys about tickets that are gone. May run twice."""
    now = read_clock()
    return {
        "mail_reports": sweep_reports(now=now),
        "mails": sweep_mails(now=now),
        "hooks": sweep_hooks(now=now),
        "erased": sweep_erasures(now=now),
        "withdrawn": withdraw_gone(now=now),
    }


# making one migrates a database first
@shared_task(name="config.sandbox", ignore_result=True, time_limit=600, soft_time_limit=580)
def sandbox() -> bool:
    """Every ten seconds, and at once after somebody asked: one stretch of work on the sandbox; whether there was any."""
    row = claim_sandbox(now=read_clock())
    if row is not None:
        work_on_sandbox(row=row, now=read_clock())
    return row is not None


# a file of a hundred thousand rows takes a minute or two
@shared_task(name="config.imports", ignore_result=True, time_limit=600, soft_time_limit=580)
def imports() -> bool:
    """Every half minute, and at once after somebody asked: one import of the pages; whether there was any. Without any it clears away what is old."""
    run = claim_import(now=read_clock())
    if run is not None:
        work_on_import(run=run, now=read_clock())
    else:
        forget_old(now=read_clock())
    return run is not None


@shared_task(name="config.work_on_hooks", ignore_result=True)
def work_on_hooks() -> dict[str, int]:
    """Works on webhooks that just came, for half a minute where there are many. Woken by the intake; what it misses the sweep finds."""
    began = now = read_clock()
    done = 0
    while (more := sweep_hooks(now=now)) and (now - began).total_seconds() < 30:
        done, now = done + more, read_clock()
    return {"hooks": done + more}
