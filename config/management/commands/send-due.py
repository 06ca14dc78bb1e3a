"""`manage.py send-due`: plans, queues and sends the surveys that are due, now."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.actions.instances import is_in_doubt, watch_instance
from accounts.actions.outbox import MailSession, worker_name
from accounts.models import Installation
from config.services.catcher import embedded_catcher
from surveys.actions.dispatch import expire, queue_due, send_queued
from surveys.actions.planning import plan
from surveys.actions.reminders import queue_reminders
from surveys.management.instants import at_or_now


class Command(BaseCommand):
    """Sends what is due; what a dry run of `plan-surveys` with the same `--as-of` names `send` is what leaves."""

    help = "Queues and sends the surveys that are due now (or at --as-of)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The instant that decides what is due."""
        parser.add_argument("--as-of", default=None, metavar="TS", help="ISO 8601; without an offset in the organisation's zone. Default: now.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it; a JSON summary on stdout."""
        as_of, clock = at_or_now(options["as_of"])
        # a look ahead does not make things happen in the future: they are stamped with the real time
        now = min(as_of, clock)
        if is_in_doubt():
            # said here alone: this command may only run in another environment than the installation
            raise CommandError("Nothing is sent: this may be a copy of another installation. An admin confirms under Surveys, Outbox that it is not.")
        if not Installation.current().instance_url:
            watch_instance()
        planned = plan(as_of=as_of)
        unknown = expire(now=now)
        queued = queue_due(as_of=as_of, now=now)
        reminded = queue_reminders(as_of=as_of, now=now)
        with embedded_catcher(), MailSession() as session:
            mails = send_queued(as_of=as_of, now=now, worker=worker_name(), session=session)
        summary = {
            "as_of": as_of.isoformat(),
            "planned": planned["planned"],
            "queued": queued["send"],
            "held": queued["hold"] + reminded["hold"] + mails["hold"],
            "skipped": planned["skipped"] + queued["skip"] + mails["skip"],
            "reminders": reminded["send"],
            "sent": mails["sent"],
            "retry": mails["retry"],
            "failed": mails["failed"],
            "unknown": mails["unknown"] + unknown,
            "later": mails["later"],
            "withheld": mails["withheld"],
            "stopped": mails["stopped"],
        }
        self.stdout.write(json.dumps(summary))
