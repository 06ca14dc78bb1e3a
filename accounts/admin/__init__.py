"""Django's admin of the ground, one file a noun. Only admins enter it.

What changes a customer's life goes through the actions, so that the admin writes the same events as
every other door. Usage rows have a key of several columns, which the admin cannot handle; they are
shown on the account's page.
"""

from accounts.admin import customers, events, keys, mail, mail_rates, money, offers, operations, people, plans, playbooks, received, segments, verbatims, webhooks, work, work_terms

__all__ = [
    "customers", "events", "keys", "mail", "mail_rates", "money", "offers", "operations", "people", "plans", "playbooks",
    "received", "segments", "verbatims", "webhooks", "work", "work_terms",
]  # fmt: skip
