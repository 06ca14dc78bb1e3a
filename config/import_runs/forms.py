"""The forms of the imports' page: a file, or the files of another system."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ImportProfile
from config.import_runs import wording
from config.import_runs.uploads import MOST_FILES
from config.imports import PROFILES

_ACCEPT = ".csv,.tsv,.txt,.gz,text/csv"


class UploadForm(forms.Form):
    """One file."""

    file = forms.FileField(label=_("File"), widget=forms.FileInput(attrs={"accept": _ACCEPT}), help_text=_("CSV, also packed with gzip; up to 20 MB and 100,000 rows"))
    kind = forms.ChoiceField(label=_("What it holds"), required=False)
    profile = forms.ChoiceField(label=_("Read it like"), required=False)

    def __init__(self, *args: Any, kinds: Collection[str], **rest: Any):
        super().__init__(*args, **rest)
        fields: Any = self.fields
        fields["kind"].choices = [("", _("found out by its columns")), *((kind, wording.kind_name(kind)) for kind in kinds)]
        saved = ImportProfile.objects.filter(kind__in=kinds)[:200]
        fields["profile"].choices = [("", _("found out by its columns")), *((str(each.pk), f"{each.name} · {wording.kind_name(each.kind)}") for each in saved)]
        if not saved:
            del self.fields["profile"]


class ManyFiles(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """At least one file."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """The files one by one, by Django's own rules."""
        given = data if isinstance(data, list) else [data] if data else []
        if not given:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(given) > MOST_FILES:
            raise forms.ValidationError(_("At most %(most)s files at once.") % {"most": MOST_FILES})
        return [super(ManyFilesField, self).clean(one, initial) for one in given]


class BundleForm(forms.Form):
    """The files of another system, read by a shipped profile."""

    several = ManyFilesField(label=_("Files"), widget=ManyFiles(attrs={"accept": _ACCEPT, "multiple": True}), help_text=_("all files of the export at once, up to 20 MB each"))
    bundle = forms.ChoiceField(label=_("System"))

    def __init__(self, *args: Any, **rest: Any):
        super().__init__(*args, **rest)
        fields: Any = self.fields
        fields["bundle"].choices = [(path.stem, wording.profile_name(path.stem)) for path in sorted(PROFILES.glob("*.toml"), key=lambda path: (path.stem != "vefa", path.stem))]
