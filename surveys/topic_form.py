"""Writing a topic: its names and its query in each language."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from accounts.actions.topics import check_query
from accounts.collation import search_key
from accounts.models import Topic


class TopicForm(forms.ModelForm):
    """A query that cannot be read is refused with the place at which it fails."""

    class Meta:
        model = Topic
        fields: ClassVar[list[str]] = ["name", "name_tr", "query_en", "query_tr", "active"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "query_en": forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none", "maxlength": 4000}),
            "query_tr": forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none", "maxlength": 4000, "lang": "tr"}),
        }

    def clean_query_en(self) -> str:
        """The query in English."""
        return self._checked("en")

    def clean_query_tr(self) -> str:
        """The query in Turkish."""
        return self._checked("tr")

    def _checked(self, language: str) -> str:
        text: str = self.cleaned_data[f"query_{language}"].replace("\x00", "").strip()
        check_query(text, language)
        return text

    def clean(self) -> dict[str, Any]:
        """At least one language must have a query."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not values.get("query_en") and not values.get("query_tr") and not self.errors:
            raise ValidationError(_("Write a query for at least one language."))
        return values

    def key(self) -> str:
        """A key of its own for a new topic, made from its name."""
        base = slugify(search_key(self.cleaned_data["name"]))[:50] or "topic"
        taken = set(Topic.objects.filter(key__startswith=base).values_list("key", flat=True))
        return next(key for key in [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))] if key not in taken)
