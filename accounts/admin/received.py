"""What other systems sent: looked at, and worked on once more; which of our rows their objects are."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.inbound_events import order_replay
from accounts.models import InboundEvent, OutsideObject
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


class ReplayForm(forms.Form):
    """Which stretch of time of which source."""

    source = forms.CharField(label=_("Source"), max_length=40, required=False, help_text=_("Such as hook:desk or email:postmark; empty: all."))
    since = forms.DateTimeField(label=_("Received from"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    until = forms.DateTimeField(label=_("Received before"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))

    def clean(self) -> dict:
        """A stretch that ends after it starts."""
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["until"] <= data["since"]:
            raise forms.ValidationError({"until": _("This must lie after the start.")})
        return data


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly, admin.ModelAdmin):
    """What other systems sent, as it came. A replay changes nothing where all is as the events say."""

    list_display = ("received_at", "source", "kind", "status", "attempts", "note")
    list_filter = ("status", "source", "kind", "received_at")
    search_fields = ("external_id",)
    exclude = ("body_sha256",)
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ("-received_at",)
    actions = ("replay",)

    @admin.action(description=_("Work on these once more"), permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> None:
        """Gives the chosen events to the sweep again."""
        self._said(request, order_replay(rows=InboundEvent.objects.filter(pk__in=queryset.values("pk"))))

    def get_urls(self) -> list[URLPattern]:
        """The page for a stretch of time."""
        own = path("replay/", self.admin_site.admin_view(self.replay_stretch), name="accounts_inboundevent_replay")
        return [own, *super().get_urls()]

    def replay_stretch(self, request: HttpRequest) -> HttpResponse:
        """Asks for a stretch of time, and gives its events to the sweep again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = ReplayForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            rows = InboundEvent.objects.filter(received_at__gte=form.cleaned_data["since"], received_at__lt=form.cleaned_data["until"])
            if source := form.cleaned_data["source"].strip():
                rows = rows.filter(source=source)
            self._said(request, order_replay(rows=rows))
            return redirect("admin:accounts_inboundevent_changelist")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Work on received events once more"), "form": form}
        return TemplateResponse(request, "admin/accounts/inboundevent/replay.html", context)

    def _said(self, request: HttpRequest, count: int) -> None:
        text = ngettext("%(count)d event will be worked on within half a minute.", "%(count)d events will be worked on within half a minute.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)


@admin.register(OutsideObject)
class OutsideObjectAdmin(ReadOnly, admin.ModelAdmin):
    """Which account, contact or ticket an object of another system is here."""

    list_display = ("source", "kind", "external_id", "row_id", "made", "told_at")
    list_filter = ("source", "kind")
    search_fields = ("external_id",)
    exclude = ("told",)
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ("-pk",)
