"""Django's admin under Vefa's name; only admins enter."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class VefaAdminSite(AdminSite):
    """The admin site."""

    site_header = "Vefa"
    site_title = "Vefa"
    index_title = _("Administration")
    site_url = "/"
