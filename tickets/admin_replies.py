"""Django's admin of canned replies, and of what belongs to a ticket's mail and work."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly
from tickets.canned import MEANINGS
from tickets.models import Attachment, AttachmentContent, CannedReply, CannedReplyText, TicketCopy, TicketWork


class TextForm(forms.ModelForm):
    """A text in one of the languages that the product speaks."""

    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES)


class TextsOnce(BaseInlineFormSet):
    """A reply says something in at least one language."""

    def clean(self) -> None:
        """Refuses a reply without any text."""
        super().clean()
        if any(self.errors):
            return
        if not any(form.cleaned_data and not form.cleaned_data.get("DELETE") for form in self.forms):
            raise forms.ValidationError(_now("Write the reply in at least one language."))


class TextInline(admin.StackedInline):
    """What the reply says, one text a language."""

    model = CannedReplyText
    form = TextForm
    formset = TextsOnce
    extra = 0
    min_num = 1
    max_num = len(settings.LANGUAGES)


@admin.register(CannedReply)
class CannedReplyAdmin(admin.ModelAdmin):
    """Ready-made replies. One that is no longer wanted is switched off."""

    fields = ("name", "shortcut", "active", "placeholders")
    readonly_fields = ("placeholders",)
    list_display = ("name", "shortcut", "active", "updated_at")
    list_filter = ("active",)
    search_fields = ("name", "shortcut")
    inlines = (TextInline,)

    @admin.display(description=_("placeholders"))
    def placeholders(self, row: CannedReply | None = None) -> SafeString:
        """What may stand in a text, and what stands for it."""
        return format_html_join(SafeString("<br>"), "<code>{{{}}}</code> {}", MEANINGS.items())


@admin.register(CannedReplyText)
class CannedReplyTextAdmin(admin.ModelAdmin):
    """The texts alone, for finding words in them."""

    form = TextForm
    list_display = ("reply", "language")
    list_filter = ("language",)
    list_select_related = ("reply",)
    search_fields = ("body", "reply__name", "reply__shortcut")


class Beside(ReadOnly, admin.ModelAdmin):
    """What the ticket's page and its mail write; here it is only seen."""

    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(TicketCopy)
class TicketCopyAdmin(Beside):
    """Who reads along."""

    list_display = ("ticket", "contact", "added_by", "created_at")
    list_select_related = ("ticket", "contact", "added_by")
    search_fields = ("ticket__external_id", "contact__email")


@admin.register(TicketWork)
class TicketWorkAdmin(Beside):
    """Tickets and the work they are linked with."""

    list_display = ("ticket", "work_item", "ticket_first", "created_by", "created_at")
    list_filter = ("ticket_first",)
    list_select_related = ("ticket", "work_item", "created_by")
    search_fields = ("ticket__external_id",)


@admin.register(Attachment)
class AttachmentAdmin(Beside):
    """Files of messages: name, type and size, never the bytes."""

    list_display = ("name", "media_type", "size", "message", "created_at")
    list_filter = ("media_type",)
    list_select_related = ("message",)
    search_fields = ("name", "message__ticket__external_id")


@admin.register(AttachmentContent)
class AttachmentContentAdmin(Beside):
    """That the bytes are there; they are had from the ticket's page."""

    fields = ("attachment",)
    list_display = ("attachment",)
    list_select_related = ("attachment",)
    search_fields = ("attachment__name",)

    def get_queryset(self, request: Any) -> Any:
        """Without the bytes."""
        return super().get_queryset(request).defer("data")
