"""The composition root as a Django app, and the admin site with a login by e-mail."""

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps

# the app must exist before any task is declared; not in the package itself, which the supervisor
# and every management command import long before they need Celery
from config.celery import app as celery_app
from config.sandbox.clock import follow

__all__ = ["ConfigConfig", "VefaAdminConfig", "celery_app"]


class VefaAdminConfig(admin_apps.AdminConfig):
    """Django's admin with Vefa's name on it."""

    default_site = "config.admin_site.VefaAdminSite"
    default = False


class ConfigConfig(AppConfig):
    """Knows all apps, known by none."""

    name = "config"
    label = "config"
    default = True

    def ready(self) -> None:
        """In a process of the sandbox everything follows its clock."""
        if settings.SANDBOX:
            follow()
