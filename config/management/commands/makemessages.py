"""`manage.py makemessages`, which also finds texts behind the names that this project imports gettext under."""

from django.core.management.commands import makemessages

# beside Django's own: `gettext as _now` where `_` is the lazy one, `gettext_lazy as lazy` where it is not
NAMES = ("_now", "lazy")


class Command(makemessages.Command):
    """Django's command with further keywords."""

    xgettext_options = [*makemessages.Command.xgettext_options, *(f"--keyword={name}" for name in NAMES)]
