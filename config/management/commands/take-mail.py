"""`manage.py take-mail`: one mail from standard input, for the pipe of a mail server."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from accounts.actions.inbound_events import keep_inbound
from accounts.queries.clock import read_clock
from config.inbound_mail import MOST_BYTES, PIPE, handle_mail, kept_mail

logger = logging.getLogger(__name__)
# of sysexits.h: a mail server gives the mail back to its sender, or keeps it and tries again
UNREADABLE, TRY_AGAIN = 65, 75


class Command(BaseCommand):
    """Keeps the mail, then places it. It is taken from the moment it is kept; placing it can wait."""

    help = "Takes one mail (RFC 5322) from standard input. Exit code 0: taken; 65: no mail; 75: not now, try again."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the mail server knows of the envelope."""
        parser.add_argument("--sender", default=None, metavar="ADDRESS", help="the envelope's sender; empty for mails that must not be answered")
        parser.add_argument("--recipient", default=None, metavar="ADDRESS", help="the envelope's recipient")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reads, keeps, places."""
        raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        # a mailbox's separator is no header
        if raw.startswith(b"From "):
            raw = raw.partition(b"\n")[2]
        if b":" not in raw.lstrip()[:1000].partition(b"\n")[0]:
            raise CommandError("This is no mail.", returncode=UNREADABLE)
        try:
            mail = kept_mail(raw, source=PIPE, envelope_sender=options["sender"], envelope_recipient=options["recipient"])
            [kept] = keep_inbound(events=[mail], now=read_clock())
        except (Error, OSError) as fault:
            raise CommandError(f"Not kept, try again: {type(fault).__name__}", returncode=TRY_AGAIN) from fault
        try:
            handle_mail(event_id=kept.pk)
        except Exception:
            # it is kept: the sweep places it
            logger.exception("A mail was kept and not placed yet.")
