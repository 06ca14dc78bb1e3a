"""`manage.py doctor`: what is wrong, and how to mend it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.queries.clock import read_clock
from config import doctor


class Command(BaseCommand):
    """Exit 1 if anything is wrong."""

    help = "Looks at services, settings, migrations, worker and beat, mail, disk and clock; says what is wrong and how to mend it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch."""
        parser.add_argument("--json", action="store_true", help="One JSON object on stdout.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the findings."""
        findings = doctor.examine(now=read_clock())
        faults = [finding for finding in findings if finding.state == doctor.FAULT]
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not faults, "checks": [finding.as_dict() for finding in findings]}, ensure_ascii=False))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.state:<7} {finding.name:<11} {finding.detail}")
                if finding.remedy:
                    self.stdout.write(f"{'':<7} {'':<11} -> {finding.remedy}")
            self.stdout.write("Nothing is wrong." if not faults else f"{len(faults)} faults.")
        if faults:
            raise SystemExit(1)
