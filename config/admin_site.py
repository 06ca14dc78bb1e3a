"""Django's admin under Vefa's name; only admins enter, through Vefa's own sign-in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _


class VefaAdminSite(AdminSite):
    """The admin site."""

    site_header = "Vefa"
    site_title = "Vefa"
    index_title = _("Administration")
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Strangers sign in where everybody does, with its counters; those who are no admins are refused."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("next") or reverse("admin:index", current_app=self.name)
        return redirect(f"{reverse('login')}?{urlencode({'next': wanted})}")
