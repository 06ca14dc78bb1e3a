"""`manage.py up`: see `config/services/supervisor.py`, which manage.py calls before settings load."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.services import supervisor


class Command(BaseCommand):
    """Shows the help; running is done without Django's settings."""

    help = "Runs Vefa: embedded servers where no URL is set, web, worker and beat, until Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as the supervisor's own."""
        supervisor.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Only reached by `call_command`."""
        raise SystemExit(supervisor.main(["--no-demo"] if options["no_demo"] else []))
