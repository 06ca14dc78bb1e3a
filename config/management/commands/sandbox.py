"""`manage.py sandbox create|advance|status|serve|end`: the rehearsal from the command line."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Sandbox
from accounts.queries.clock import read_clock
from config.environment import ROOT
from config.sandbox import copying, diary, place, working
from config.services import sandbox_web


class Command(BaseCommand):
    """The same as the page, without a worker."""

    help = "A sandbox: copies of accounts in a database of their own, whose clock you move on; mails go to its catcher alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="copy accounts into a new one")
        create.add_argument("--segment", default="", help="only accounts of this segment")
        create.add_argument("--order", default="stake", choices=tuple(copying.ORDERS), help="which come first (default: stake)")
        create.add_argument("--most", type=int, default=200, help=f"how many at most, up to {copying.MOST_ACCOUNTS} (default: 200)")
        advance = actions.add_parser("advance", help="move its clock on")
        advance.add_argument("--days", type=int, required=True)
        advance.add_argument("--hours", type=int, default=1, help="hours of its time between two rounds of sweeps, 1 to 24 (default: 1; more is coarser and faster)")
        actions.add_parser("status", help="where it stands, and what happened by day")
        serve = actions.add_parser("serve", help="serve its pages one port after the installation's, until Ctrl-C; `manage.py up` does it by itself")
        serve.add_argument("--host", default="127.0.0.1", help="the address of this machine to listen at (default: 127.0.0.1)")
        actions.add_parser("end", help="remove it with all that is in it")

    def handle(self, *args: Any, **options: Any) -> None:
        """One JSON object on stdout."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except working.Refused as fault:
            raise CommandError(str(fault), returncode=2) from None

    def _create(self, options: dict[str, Any]) -> None:
        working.ask(segment=options["segment"], order=options["order"], most=options["most"], user=None, now=read_clock())
        self._work()

    def _advance(self, options: dict[str, Any]) -> None:
        working.move_on(days=options["days"], hours=options["hours"], now=read_clock())
        self._work()

    def _end(self, options: dict[str, Any]) -> None:
        working.end()
        self._work()

    def _status(self, options: dict[str, Any]) -> None:
        row = working.current()
        self._tell(row, days=[day.told() for day in diary.days(since=row.began_at, until=row.reached_at)] if row and row.accounts else [])

    def _work(self) -> None:
        """Does what is asked for, here; waits where a worker does it already."""
        while (row := working.current()) and row.state in {Sandbox.State.MAKING, Sandbox.State.MOVING, Sandbox.State.ENDING}:
            claimed = working.claim(now=read_clock())
            if claimed is None:
                time.sleep(1)
                continue
            working.work(row=claimed, now=read_clock())
        row = working.current()
        if row is not None and row.state == Sandbox.State.FAILED:
            raise CommandError(row.fault)
        self._tell(row)

    def _tell(self, row: Sandbox | None, **more: Any) -> None:
        told = {"state": "none"} if row is None else {
            "state": row.state, "accounts": row.accounts, "rows": row.rows, "began_at": row.began_at.isoformat(), "reached_at": row.reached_at.isoformat(),
            "database": place.database_name(), "address": place.address(),
        }  # fmt: skip
        self.stdout.write(json.dumps(told | more))

    def _serve(self, options: dict[str, Any]) -> None:
        row = working.current()
        if row is None or not row.accounts:
            sandbox_web.marker(settings.VEFA_DATA).unlink(missing_ok=True)
            raise CommandError("There is no sandbox to serve; make one with `manage.py sandbox create`.", returncode=2)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((options["host"], place.port()))
            except OSError as fault:
                raise CommandError(f"The sandbox cannot be served on port {place.port()}: {fault.strerror}.", returncode=2) from None
        self.stdout.write(f"The sandbox is at {place.address()} as long as this runs.")
        self.stdout.flush()
        # static files come from their sources; who serves them asks for the folder all the same
        (place.data_folder() / "static").mkdir(parents=True, exist_ok=True)
        sandbox_web.note_served(settings.VEFA_DATA, place.port())
        os.chdir(ROOT)
        web = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--host",
            options["host"],
            "--port",
            str(place.port()),
            "--no-ws",
            "--workers",
            "1",
            "--blocking-threads",
            "2",
        ]
        os.execve(  # noqa: S606 - no shell is wanted
            sys.executable, [*web, "config.wsgi:application"], place.environment()
        )
