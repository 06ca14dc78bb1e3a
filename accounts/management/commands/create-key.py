"""`manage.py create-key`: makes a key of the API and prints it once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions.api_keys import DAYS_AT_MOST, create_key
from accounts.models import User
from accounts.models.people import normalise_email
from accounts.queries.clock import read_clock
from accounts.scopes import SCOPES, check_scopes


class Command(BaseCommand):
    """Exit 1: no such user; 2: no such scope, or a life that is too long."""

    help = "Makes an API key that acts for a user, and prints it. It cannot be printed again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The user, the scopes, a name, a life."""
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whom the key acts for; it sees what this user sees")
        parser.add_argument("--scope", required=True, nargs="+", action="extend", metavar="S", help=f"what it may do: {', '.join(SCOPES)}")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument("--days", type=int, default=DAYS_AT_MOST, metavar="D", help=f"how long it lives, at most {DAYS_AT_MOST}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the key alone to stdout, what one should know to stderr."""
        scopes = [scope for one in options["scope"] for scope in one.split(",") if scope]
        try:
            check_scopes(scopes)
            if not 1 <= options["days"] <= DAYS_AT_MOST:
                raise ValueError(f"a key lives 1 to {DAYS_AT_MOST} days")
        except ValueError as fault:
            raise CommandError(str(fault), returncode=2) from fault
        user = User.objects.filter(email=normalise_email(options["user"]), is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}", returncode=1)
        key, token = create_key(user=user, scopes=scopes, now=read_clock(), name=options["name"], days=options["days"])
        self.stderr.write(f"A key for {user.email} ({', '.join(key.scopes)}), until {key.expires_at:%Y-%m-%d}. It is shown this once.")
        self.stdout.write(token)
