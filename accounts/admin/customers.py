"""Customers: accounts and contacts, saved through the actions so that events are written; stages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.contacts import change_contact, create_contact
from accounts.actions.customers import change_account, create_account
from accounts.actions.segments import override_segments
from accounts.collation import search_key
from accounts.models import Account, Contact, LifecycleStage, Segment, SegmentMembership, StageStay
from accounts.paging import CappedPaginator
from accounts.queries.clock import read_clock
from accounts.read_only import Kept, ReadOnly


def take_over(obj: Any, saved: Any) -> None:
    """Makes the form's object the one that an action saved, for what the admin does afterwards."""
    obj.__dict__.update({name: value for name, value in saved.__dict__.items() if not name.startswith("_")})
    obj._state.adding, obj._state.db = False, saved._state.db


def changed_fields(form: forms.ModelForm) -> dict[str, Any]:
    """The fields that the form changed, with their new values."""
    return {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}


def by_name(queryset: QuerySet, term: str, *exact: str) -> tuple[QuerySet, bool]:
    """Rows whose folded name contains the words, or whose key is the term itself."""
    if not term.strip():
        return queryset, False
    found = Q(name_search__contains=search_key(term))
    for name in exact:
        found |= Q(**{name: term.strip()})
    return queryset.filter(found), False


@admin.register(LifecycleStage)
class LifecycleStageAdmin(admin.ModelAdmin):
    """The stages of a customer's life."""

    list_display = ("name", "key", "position", "expected_days", "next_stage", "is_leaving")
    list_editable = ("position",)
    search_fields = ("name", "key")
    # rules and goals are checked, and everybody is looked at again, where they are edited: the pages of the lifecycle
    readonly_fields = ("start_rule", "end_rule", "goals", "next_stage", "expected_days", "is_leaving")

    def save_model(self, request: HttpRequest, obj: LifecycleStage, form: forms.ModelForm, change: bool) -> None:
        """Counts the version, so that whoever has the page of the stage open notices."""
        obj.version += 1 if change else 0
        super().save_model(request, obj, form, change)


@admin.register(StageStay)
class StageStayAdmin(ReadOnly, admin.ModelAdmin):
    """Where accounts were; written by whatever moves them."""

    list_display = ("account", "stage", "valid_from", "valid_to", "reason", "standing")
    list_filter = ("stage", "standing", "reason")
    list_select_related = ("account", "stage")
    raw_id_fields = ("account", "set_by")
    ordering = ("-valid_from", "-id")
    show_full_result_count = False
    paginator = CappedPaginator


class HistoryInline(ReadOnly, admin.TabularInline):
    """The segments an account was in."""

    model = SegmentMembership
    fields = ("segment", "valid_from", "valid_to", "reason", "is_override", "override_until", "note", "set_by")
    readonly_fields = fields
    extra = 0
    verbose_name_plural = _("segment history")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SegmentMembership]:
        """With the names it shows."""
        return super().get_queryset(request).select_related("segment", "set_by", "account")


class SegmentActionForm(ActionForm):
    """What the segment action needs: which one (none clears), why, until when."""

    segment = forms.ModelChoiceField(label=_("Segment"), queryset=Segment.objects.all(), required=False, empty_label=_("as the rules say"))
    note = forms.CharField(label=_("Why"), max_length=500, required=False)
    until = forms.DateTimeField(label=_("Until"), required=False)


@admin.register(Account)
class AccountAdmin(Kept, admin.ModelAdmin):
    """Accounts. Owner, stage and what else is a turning point is told as events."""

    list_display = ("name", "external_id", "owner", "segment", "lifecycle_stage", "plan", "country", "excluded")
    list_filter = ("segment", "lifecycle_stage", "business_model", "excluded", "owner__team")
    list_select_related = ("owner", "segment", "lifecycle_stage")
    search_fields = ("name_search", "external_id")
    search_help_text = _("Name, or the whole external id.")
    autocomplete_fields = ("owner", "parent", "lifecycle_stage")
    readonly_fields = ("segment", "version", "created_at", "updated_at")
    ordering = ("name_sort", "pk")
    show_full_result_count = False
    paginator = CappedPaginator
    inlines = (HistoryInline,)
    action_form = SegmentActionForm
    actions = ("set_segment",)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By folded name or whole external id."""
        return by_name(queryset, search_term, "external_id")

    def save_model(self, request: HttpRequest, obj: Account, form: forms.ModelForm, change: bool) -> None:
        """Through the actions."""
        fields, now = changed_fields(form), read_clock()
        if change:
            saved = change_account(account_id=obj.pk, fields=fields, actor=request.user, now=now)  # type: ignore[arg-type]
        else:
            saved = create_account(fields={**fields, "external_id": obj.external_id}, actor=request.user, now=now)  # type: ignore[arg-type]
        take_over(obj, saved)

    @admin.action(description=_("Set the segment by hand"))
    def set_segment(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Puts the chosen accounts into a segment over the rules, or gives them back to the rules."""
        form = SegmentActionForm(request.POST)
        form.fields["action"].choices = [("set_segment", "")]  # type: ignore[attr-defined]
        now = read_clock()
        if not form.is_valid() or (form.cleaned_data["until"] and form.cleaned_data["until"] <= now):
            self.message_user(request, _("Nothing was changed: choose a segment, and an end that lies ahead."), messages.ERROR)
            return
        segment = form.cleaned_data["segment"]
        done = override_segments(
            overrides=[(pk, segment.pk if segment else None, now) for pk in queryset.values_list("pk", flat=True)],
            reason=SegmentMembership.Reason.OVERRIDE, now=now, actor_id=request.user.pk, note=form.cleaned_data["note"], until=form.cleaned_data["until"],
        )  # fmt: skip
        count = len(done.accounts)
        self.message_user(request, ngettext("%(count)d account changed.", "%(count)d accounts changed.", count) % {"count": count}, messages.SUCCESS)


class ContactForm(forms.ModelForm):
    """A contact. A refusal of surveys is taken back by a newer consent alone."""

    class Meta:
        model = Contact
        exclude = ("opted_out_at",)  # noqa: DJ006 - all that may be edited but the instant of the refusal

    def clean(self) -> dict[str, Any]:
        """Refuses to lift a refusal without a consent that is newer."""
        data = super().clean() or {}
        refused, consent = self.initial.get("opted_out"), data.get("consent_at")
        if refused and not data.get("opted_out"):
            since = Contact.objects.values_list("opted_out_at", flat=True).get(pk=self.instance.pk)
            if consent is None or consent > read_clock() or (since is not None and consent <= since):
                self.add_error("opted_out", _("This person refused surveys; only a newer consent takes that back."))
        return data


@admin.register(Contact)
class ContactAdmin(Kept, admin.ModelAdmin):
    """Contacts."""

    form = ContactForm
    list_display = ("__str__", "email", "account", "role", "language", "opted_out", "bounced_at")
    list_filter = ("role", "opted_out", "language", "imported_unconfirmed")
    list_select_related = ("account",)
    search_fields = ("name_search", "email", "external_id")
    search_help_text = _("Name or address, or the whole external id.")
    autocomplete_fields = ("account",)
    readonly_fields = ("opted_out_at", "version", "created_at", "updated_at")
    ordering = ("name_sort", "pk")
    show_full_result_count = False
    paginator = CappedPaginator

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By folded name or address, or whole external id."""
        return by_name(queryset, search_term, "external_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> tuple[str, ...]:
        """A person stays with the account: events and answers tell so."""
        return (*self.readonly_fields, "account") if obj else self.readonly_fields  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Contact, form: forms.ModelForm, change: bool) -> None:
        """Through the actions."""
        fields, now = changed_fields(form), read_clock()
        if change:
            saved = change_contact(contact_id=obj.pk, fields=fields, actor=request.user, now=now)  # type: ignore[arg-type]
        else:
            saved = create_contact(fields={**fields, "external_id": obj.external_id}, actor=request.user, now=now)  # type: ignore[arg-type]
        take_over(obj, saved)
