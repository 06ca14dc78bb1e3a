"""Roles and what they mean. Pure but for translation."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What a person may see and do; one role a person."""

    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("CS lead")
    CSM = "csm", _("CSM")
    AGENT = "agent", _("Support agent")
    ANALYST = "analyst", _("Analyst")
    VIEWER = "viewer", _("Viewer")


SEES_EVERYTHING = frozenset({Role.ADMIN, Role.VIEWER})
# roles that change customer data; the others only read (agents write tickets, see tickets)
WRITES_ACCOUNTS = frozenset({Role.ADMIN, Role.MANAGER, Role.CSM})
# survey programmes: who sets them up, and who reads what they say (analysts see their figures alone, agents nothing)
WRITES_PROGRAMMES = frozenset({Role.ADMIN, Role.MANAGER})
READS_PROGRAMMES = WRITES_PROGRAMMES | {Role.CSM, Role.VIEWER}
