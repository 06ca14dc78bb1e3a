"""Users, teams and cover."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as PasswordAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.models import Cover, Team, User
from accounts.models.people import normalise_email
from accounts.read_only import Kept
from accounts.roles import Role

# there are no finer rights beside the role
admin.site.unregister(Group)


class NewUserForm(AdminUserCreationForm):
    """A new person; with or without a password of one's own."""

    class Meta:
        model = User
        fields = ("email", "name", "role", "team")
        field_classes: dict[str, type[forms.Field]] = {}

    def clean_email(self) -> str:
        """The address as it is stored."""
        return normalise_email(self.cleaned_data["email"])


class UserForm(UserChangeForm):
    """A person. One active admin must remain, or nobody could come in here again."""

    class Meta:
        model = User
        fields = "__all__"
        field_classes: dict[str, type[forms.Field]] = {}

    def clean_email(self) -> str:
        """The address as it is stored."""
        return normalise_email(self.cleaned_data["email"])

    def clean(self) -> dict[str, Any]:
        """Refuses to take the last admin away."""
        data = super().clean() or {}
        remains = data.get("role", self.instance.role) == Role.ADMIN and data.get("is_active", self.instance.is_active)
        if not remains and not User.objects.filter(role=Role.ADMIN, is_active=True).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This is the last active admin; make another one first."))
        return data


@admin.register(User)
class UserAdmin(Kept, PasswordAdmin):
    """People; who leaves is set inactive, never deleted."""

    add_form, form = NewUserForm, UserForm
    list_display = ("email", "name", "role", "team", "is_active", "last_login")
    list_filter = ("role", "team", "is_active", "language")
    list_select_related = ("team",)
    search_fields = ("email", "name")
    ordering = ("name", "pk")
    autocomplete_fields = ("team",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("name", "role", "team", "is_active")}),
        (_("Preferences"), {"fields": ("language", "time_zone", "theme", "density")}),
        (_("Times"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "role", "team", "usable_password", "password1", "password2")}),)


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    """Teams."""

    list_display = ("name", "created_at")
    search_fields = ("name",)


@admin.register(Cover)
class CoverAdmin(admin.ModelAdmin):
    """Who covers whom, and until when."""

    list_display = ("absent", "substitute", "starts_at", "ends_at")
    list_select_related = ("absent", "substitute")
    autocomplete_fields = ("absent", "substitute")
    search_fields = ("absent__name", "substitute__name")
    date_hierarchy = "starts_at"
