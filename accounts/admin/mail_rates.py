"""How fast mails may leave to single receiving domains."""

from __future__ import annotations

import re

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.models import MailBucket
from accounts.paging import CappedPaginator


class MailBucketForm(forms.ModelForm):
    """Limits of one receiving domain, or of everything."""

    class Meta:
        model = MailBucket
        fields = ("name", "rate_per_second", "rate_per_day")

    def clean_name(self) -> str:
        """“all”, or “domain:” and a domain in small letters."""
        name = str(self.cleaned_data["name"]).strip().lower()
        if name != MailBucket.ALL and not re.fullmatch(r"domain:[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
            raise forms.ValidationError(_("Write “domain:” and the part of the addresses behind the @."))
        return name


@admin.register(MailBucket)
class MailBucketAdmin(admin.ModelAdmin):
    """Rates; what was counted is not for changing."""

    form = MailBucketForm
    list_display = ("name", "rate_per_second", "rate_per_day", "sent_today", "backs_off_until")
    search_fields = ("name",)
    fields = ("name", "rate_per_second", "rate_per_day", "sent_today", "backs_off_until")
    readonly_fields = ("sent_today", "backs_off_until")
    show_full_result_count = False
    paginator = CappedPaginator
