"""`manage.py erase --contact EXTERNAL_ID`: forgets a person, after saying what that means and being told to."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Contact
from accounts.queries.clock import read_clock
from config.erasing import erase_contact


class Command(BaseCommand):
    """Forgets one person; what was counted stays."""

    help = "Erases everything personal about a contact, and about every contact with the same address. It cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom, and whether to ask."""
        parser.add_argument("--contact", required=True, metavar="EXTERNAL_ID", help="the contact's external id")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Says what will go, asks, does it. Raises CommandError where nobody is meant or nobody agrees."""
        contact = Contact.objects.select_related("account").filter(external_id=options["contact"]).first()
        if contact is None:
            raise CommandError(f"There is no contact with the external id “{options['contact']}”.")
        same = Contact.objects.filter(email=contact.email).exclude(pk=contact.pk).count() if contact.email else 0
        self.stdout.write(f"Contact {contact.external_id} ({contact.name or '–'}, {contact.email or '–'}) of {contact.account.name}.")
        if same:
            self.stdout.write(f"{same} more contact(s) with the same address are erased with it.")
        self.stdout.write(
            "Goes: name, addresses, comments, messages, texts of mails, open links. Stays: scores, counts and times, without the person.\n"
            "The address gets no mail any more; it is kept as a keyed hash. This cannot be undone."
        )
        if not options["yes"] and input("Type the external id to erase: ").strip() != contact.external_id:
            raise CommandError("Nothing was erased.")
        finished = erase_contact(contact_id=contact.pk, source="admin", now=read_clock())
        self.stdout.write(f"Erased: the contact is now erased-{contact.pk}." if finished else "Erased; a mail that is being sent this moment follows within a minute.")
