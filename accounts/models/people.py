"""People who work with Vefa: users, teams, cover during absence."""

from __future__ import annotations

import string
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.fields import TimeZoneNameField, validate_time_zone
from accounts.roles import Role

__all__ = ["Cover", "Team", "User", "UserAccounts", "validate_time_zone"]


class Team(models.Model):
    """A group of people with one lead's view: managers see the books of their own team."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserAccounts(BaseUserManager["User"]):
    """Makes users; the e-mail address is the login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user; without a password nobody can log in as it. Raises ValueError without address."""
        if not email:
            raise ValueError("An e-mail address is needed.")
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """An admin, for Django's `createsuperuser`."""
        return self.create_user(email, password, **{"role": Role.ADMIN, "name": email.split("@")[0], **fields})

    def get_by_natural_key(self, email: str | None) -> User:
        """The user of a login name: ASCII case does not matter, nothing else is folded."""
        return self.get(email=normalise_email(email or ""))


_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normalise_email(address: str) -> str:
    """An address for comparing: trimmed, ASCII letters lowered, nothing else folded.

    `str.lower` on all of Unicode would make different people's addresses equal (CVE-2019-19844).
    """
    return address.strip().lower() if address.isascii() else address.strip().translate(_ASCII_LOWER)


class User(AbstractBaseUser):
    """A person who logs in by e-mail."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.VIEWER)
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.SET_NULL, related_name="members")
    language = models.CharField(_("language"), max_length=5, choices=[("en", "English"), ("tr", "Türkçe")], default="en")
    time_zone = TimeZoneNameField(_("time zone"), blank=True, default="", help_text=_("Empty: the organisation's."))
    theme = models.CharField(_("theme"), max_length=6, choices=[("system", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))], default="system")
    density = models.CharField(_("density"), max_length=11, choices=[("comfortable", _("Comfortable")), ("compact", _("Compact"))], default="comfortable")
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = UserAccounts()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
            models.UniqueConstraint(Lower("email"), name="user_email_once", violation_error_message=_("This e-mail address is taken.")),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        """Normalises the address."""
        super().clean()
        self.email = normalise_email(self.email)

    @property
    def is_staff(self) -> bool:
        """Django's admin is for admins alone."""
        return self.role == Role.ADMIN

    @property
    def is_superuser(self) -> bool:
        """In the admin an admin may do everything; there are no finer rights beside the role."""
        return self.role == Role.ADMIN and self.is_active

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Django's admin asks this; only admins enter it."""
        return self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        """Django's admin asks this; only admins enter it."""
        return self.is_superuser

    def get_full_name(self) -> str:
        """The display name."""
        return self.name

    def get_short_name(self) -> str:
        """The first word of the name."""
        return self.name.split(" ")[0]

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = self.name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")) if words else self.email[:1]


class Cover(models.Model):
    """While one person is away, another sees and works the book."""

    absent = models.ForeignKey(User, verbose_name=_("absent"), on_delete=models.CASCADE, related_name="absences")
    substitute = models.ForeignKey(User, verbose_name=_("substitute"), on_delete=models.CASCADE, related_name="covers")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), help_text=_("The first moment after the cover."))

    class Meta:
        verbose_name = _("cover")
        verbose_name_plural = _("covers")
        ordering = ["-starts_at", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="cover_ends_after_start", violation_error_message=_("The cover must end after it starts.")),
            models.CheckConstraint(condition=~Q(absent=F("substitute")), name="cover_by_another", violation_error_message=_("Nobody can cover for themselves.")),
        ]
        indexes = [models.Index(fields=["substitute", "absent"], name="cover_by_substitute")]

    def __str__(self) -> str:
        return f"{self.substitute} → {self.absent}"
