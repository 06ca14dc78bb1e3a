"""The outbox and the addresses that get no mail."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.outbox_orders import let_be, send_again
from accounts.actions.suppressions import GLOBAL, address_hmac
from accounts.models import OutgoingMail, Suppression
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnly, admin.ModelAdmin):
    """Mails; a person may send again what is uncertain. Texts are not shown: they are the customer's."""

    list_display = ("created_at", "kind", "status", "to_address", "account", "attempt", "next_attempt_at", "sent_at", "reason")
    list_filter = ("status", "kind")
    list_select_related = ("account",)
    search_fields = ("to_address", "message_id", "subject_id")
    exclude = ("body_text", "body_html", "headers")
    show_full_result_count = False
    paginator = CappedPaginator
    actions = ("order_again", "order_rest")

    @admin.action(description=_("Send again (replies, alerts, account access)"), permissions=["view"])
    def order_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Queues the chosen mails once more."""
        self._said(request, send_again(ids=list(queryset.values_list("pk", flat=True)), now=timezone.now()))

    @admin.action(description=_("Do not send (replies, alerts, account access)"), permissions=["view"])
    def order_rest(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Takes the chosen mails out of the queue."""
        self._said(request, let_be(ids=list(queryset.values_list("pk", flat=True))))

    def _said(self, request: HttpRequest, count: int) -> None:
        text = ngettext("%(count)d mail changed.", "%(count)d mails changed.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)


class SuppressionForm(forms.ModelForm):
    """An address to stop; only its hash is kept."""

    address = forms.EmailField(label=_("Address"))

    class Meta:
        model = Suppression
        fields = ("scope", "source_ref")

    def clean(self) -> dict[str, object]:
        """Sets what is stored of the address; once a scope."""
        data = super().clean() or {}
        if "address" in data:
            self.instance.address_hmac = address_hmac(data["address"])
            self.instance.reason = Suppression.Reason.MANUAL
            if Suppression.objects.filter(address_hmac=self.instance.address_hmac, scope=data.get("scope", GLOBAL)).exists():
                self.add_error("address", _("This address gets no mail already."))
        return data


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    """Addresses that get no mail. What a customer asked for, or the law, cannot be lifted here."""

    list_display = ("created_at", "scope", "reason", "source_ref")
    list_filter = ("reason", "scope")
    search_fields = ("source_ref", "scope")
    exclude = ("address_hmac",)
    show_full_result_count = False
    paginator = CappedPaginator

    def get_form(self, request: HttpRequest, obj: Suppression | None = None, change: bool = False, **kwargs: object) -> type[forms.ModelForm]:
        """The form takes the address; a row shows none."""
        if obj is None:
            kwargs["form"] = SuppressionForm
            kwargs["fields"] = ("address", "scope", "source_ref")
            kwargs["exclude"] = None
            return SuppressionForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> tuple[str, ...]:
        """The address only where one is given."""
        return ("address", "scope", "source_ref") if obj is None else ("scope", "reason", "source_ref", "created_at")

    def has_change_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        """A hash cannot be edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Suppression | None = None) -> bool:
        """Only what was stopped by hand, or after a bounce, may be lifted; one by one."""
        return obj is not None and obj.reason in {Suppression.Reason.MANUAL, Suppression.Reason.HARD_BOUNCE}
