"""The admin's page of incoming webhooks: it knows how their maps are read, so it stands where all apps are known."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from accounts.actions.incoming_hooks import drop_previous, set_secret
from accounts.models import IncomingHook, User
from accounts.queries.clock import read_clock
from accounts.queries.webhooks import address_of
from accounts.read_only import Kept
from config.hooks.handling import Rehearsal, rehearse
from config.hooks.mapping import BadMap, check_map
from config.hooks.shipped import shipped_names
from tickets.querysets import WORKS_TICKETS

Proof = IncomingHook.Proof
SHORTEST_SECRET = 16


class HookForm(forms.ModelForm):
    """A hook. Its secret is never shown here: a new one once, when it is made."""

    given_secret = forms.CharField(
        label=_("Secret of the sender"), required=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Only where the sender makes the secret itself. Empty: a new one is made and shown once; an existing one stays."),
    )  # fmt: skip
    map = forms.ChoiceField(label=_("Map"), required=False)

    class Meta:
        model = IncomingHook
        fields = ("name", "acts_for", "proof", "header", "map", "own_map", "active")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["map"].choices = [("", _("none: our own words, or the map below")), *((name, name) for name in shipped_names())]  # type: ignore[attr-defined]
        self.fields["acts_for"].queryset = User.objects.filter(is_active=True, role__in=WORKS_TICKETS)  # type: ignore[attr-defined]
        self.fields["own_map"].required = False

    def clean_own_map(self) -> dict[str, Any]:
        """A map that can be used, or none."""
        given = self.cleaned_data.get("own_map") or {}
        if given:
            try:
                check_map(given)
            except BadMap as fault:
                raise forms.ValidationError(str(fault)) from fault
        return given

    def clean(self) -> dict[str, Any]:
        """What the proof needs; one map at most."""
        data = super().clean() or {}
        proof, secret = data.get("proof"), data.get("given_secret", "").strip()
        if data.get("map") and data.get("own_map"):
            self.add_error("own_map", _("Choose a shipped map or write one, not both."))
        if proof in {Proof.HMAC, Proof.BEARER} and not data.get("header"):
            self.add_error("header", _("Name the header that holds it."))
        if proof == Proof.STRIPE and (data.get("map") or data.get("own_map")):
            self.add_error("map", _("Events of Stripe need no map."))
        if proof == Proof.STRIPE and not secret and (not self.instance.pk or self.instance.proof != Proof.STRIPE):
            self.add_error("given_secret", _("Enter the signing secret that Stripe shows for its endpoint."))
        elif secret and proof == Proof.STANDARD and not _is_standard(secret):
            self.add_error("given_secret", _("A secret of Standard Webhooks begins with whsec_, followed by base64."))
        elif secret and len(secret) < SHORTEST_SECRET:
            self.add_error("given_secret", _("At least 16 signs."))
        elif proof == Proof.STANDARD and not secret and self.instance.pk and not _is_standard(self.instance.secret):
            self.add_error("given_secret", _("The secret it has is none of Standard Webhooks: give one here."))
        data["given_secret"] = secret
        return data


def _is_standard(secret: str) -> bool:
    try:
        Webhook(secret)
    except (EmptyWebhookSecretError, ValueError, RuntimeError):
        return False
    return secret.startswith("whsec_") and len(secret) >= SHORTEST_SECRET


class RehearsalForm(forms.Form):
    """A body to try."""

    body = forms.CharField(label=_("Body (JSON)"), max_length=1_048_576, widget=AdminTextareaWidget(attrs={"rows": 16, "spellcheck": "false"}))

    def clean_body(self) -> dict[str, Any]:
        """An object."""
        try:
            found = json.loads(self.cleaned_data["body"])
        except (ValueError, RecursionError) as fault:
            raise forms.ValidationError(_("This is no JSON: %(fault)s") % {"fault": str(fault)[:200]}) from fault
        if not isinstance(found, dict):
            raise forms.ValidationError(_("A JSON object is expected."))
        return found


@admin.register(IncomingHook)
class IncomingHookAdmin(Kept, admin.ModelAdmin):
    """Senders of webhooks."""

    form = HookForm
    list_display = ("name", "address", "proof", "map", "acts_for", "active", "last_received_at")
    list_select_related = ("acts_for",)
    search_fields = ("name",)
    change_form_template = "admin/accounts/incominghook/change_form.html"

    def get_fields(self, request: HttpRequest, obj: IncomingHook | None = None) -> Any:
        """What is told by us stands on existing rows alone."""
        fields = ["name", "acts_for", "proof", "header", "given_secret", "map", "own_map", "active"]
        return ["address", *fields, "two_secrets", "last_received_at"] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: IncomingHook | None = None) -> Any:
        """The name stays: rows and events are called by it."""
        told = ("address", "two_secrets", "last_received_at")
        return (*told, "name") if obj else told

    @admin.display(description=_("address"))
    def address(self, hook: IncomingHook) -> str:
        """Where the sender posts to."""
        return address_of(hook)

    @admin.display(description=_("the secret before is still accepted"), boolean=True)
    def two_secrets(self, hook: IncomingHook) -> bool:
        """Whether a change of the secret is under way."""
        return bool(hook.previous_secret)

    def save_model(self, request: HttpRequest, obj: IncomingHook, form: forms.ModelForm, change: bool) -> None:
        """With its secret: that of the sender, or for a new hook one of ours."""
        given = form.cleaned_data.get("given_secret", "")
        if not change:
            set_secret(hook=obj, secret=given)
        super().save_model(request, obj, form, change)
        if change and given:
            set_secret(hook=obj, secret=given)

    def response_add(self, request: HttpRequest, obj: IncomingHook, post_url_continue: str | None = None) -> HttpResponse:
        """The secret, this once, where it is ours."""
        if request.POST.get("given_secret", "").strip():
            return super().response_add(request, obj, post_url_continue)
        return self._show_secret(request, obj)

    def get_urls(self) -> list[URLPattern]:
        """Changing the secret, ending the one before, and trying a body."""
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"accounts_incominghook_{name}")
            for name, view in (("rotate", self.rotate), ("settle", self.settle), ("rehearse", self.rehearse))
        ]
        return [*own, *super().get_urls()]

    def _hook(self, request: HttpRequest, pk: int) -> IncomingHook:
        hook = get_object_or_404(IncomingHook.objects.select_related("acts_for"), pk=pk)
        if not self.has_change_permission(request, hook):
            raise PermissionDenied
        return hook

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new secret; the one before is accepted until somebody ends it."""
        hook = self._hook(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        set_secret(hook=hook)
        self.log_change(request, hook, [{"changed": {"fields": ["secret"]}}])
        return self._show_secret(request, hook)

    def settle(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ends the secret before."""
        hook = self._hook(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        drop_previous(hook=hook)
        self.log_change(request, hook, [{"changed": {"fields": ["secret before"]}}])
        self.message_user(request, _("Only the newest secret is accepted now."), messages.SUCCESS)
        return redirect("admin:accounts_incominghook_change", hook.pk)

    def rehearse(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Says what a body would do; nothing of it stays."""
        hook = self._hook(request, pk)
        form = RehearsalForm(request.POST or None)
        told: Rehearsal | None = None
        if request.method == "POST" and form.is_valid():
            told = rehearse(hook, body=form.cleaned_data["body"], now=read_clock())
        return self._page(request, "rehearse", hook, {"title": _("Try a body"), "form": form, "told": told})

    def _show_secret(self, request: HttpRequest, hook: IncomingHook) -> HttpResponse:
        response = self._page(request, "secret", hook, {"title": _("The secret, shown once"), "address": self.address(hook), "secret": hook.secret})
        response["Cache-Control"] = "no-store"
        return response

    def _page(self, request: HttpRequest, name: str, hook: IncomingHook, more: dict[str, Any]) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "original": hook, **more}
        return TemplateResponse(request, f"admin/accounts/incominghook/{name}.html", context)
