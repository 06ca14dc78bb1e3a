"""Imports that somebody asked for at a page: the files, how they are read, how far it is, what was found."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class ImportProfile(models.Model):
    """How the files of one source are written and what their columns are called, by a name; used again for the next file."""

    kind = models.CharField(_("kind"), max_length=40)
    name = models.CharField(_("name"), max_length=80)
    # the options of a map (accounts/importing/mapping.py)
    mapping = models.JSONField(_("how it is read"), default=dict)
    # the columns of the file it was made with, by which a file of the same source is recognised
    header = models.JSONField(_("columns of the file"), default=list)
    made_by = models.ForeignKey(User, verbose_name=_("made by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(_("changed"))

    class Meta:
        verbose_name = _("import profile")
        verbose_name_plural = _("import profiles")
        ordering = ["kind", "name", "id"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="import_profile_by_name")]

    def __str__(self) -> str:
        return f"{self.name} · {self.kind}"


class ImportRun(models.Model):
    """One import, or one taking back, from the upload to its end. The row is the queue as well: a worker takes what waits, a sweep what lost its worker.

    Every run is looked at first (`dry`), which writes nothing, and done when its maker says so.
    """

    class What(models.TextChoices):
        LOAD = "load", _("load")
        UNDO = "undo", _("take back")

    class State(models.TextChoices):
        DRAFT = "draft", _("to be checked")
        WAITING = "waiting", _("waits")
        RUNNING = "running", _("running")
        CHECKED = "checked", _("checked")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    what = models.CharField(_("what"), max_length=4, choices=What.choices, default=What.LOAD)
    # empty for a bundle, whose profile names the kinds of its files
    kind = models.CharField(_("kind"), max_length=40, blank=True, default="")
    # of a bundle that of the shipped profile, else that of the saved one it began with
    profile = models.CharField(_("profile"), max_length=80, blank=True, default="")
    bundle = models.BooleanField(_("several files"), default=False)
    # the batch to take back
    batch = models.ForeignKey("accounts.ImportBatch", verbose_name=_("import"), null=True, blank=True, on_delete=models.CASCADE, related_name="undoings")
    mapping = models.JSONField(_("how it is read"), default=dict)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    dry = models.BooleanField(_("only looked at"), default=True)
    good_rows_only = models.BooleanField(_("good rows only"), default=False)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    # what came out: {"files": [summary of each], "warnings": {name: count}}; of a taking back {"tables": [...], "events": n}
    summary = models.JSONField(_("result"), default=dict)
    refused = models.BooleanField(_("refused"), default=False)
    faults = models.PositiveIntegerField(_("faults"), default=0)
    # the first of them: [file, row, column, reason]
    first_faults = models.JSONField(_("first faults"), default=list)
    fault = models.CharField(_("what went wrong"), max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    made_by = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("made"))
    # when a worker took it last, and when it ended
    began_at = models.DateTimeField(_("began"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("import run")
        verbose_name_plural = _("import runs")
        ordering = ["-created_at", "id"]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(state__in=["waiting", "running"]), name="import_run_to_do"),
            models.Index(fields=["-created_at", "id"], name="import_run_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind or self.profile} · {self.get_state_display()}"


class ImportFile(models.Model):
    """One file that was uploaded; its content goes as soon as it is loaded, and after some days at the latest."""

    run = models.ForeignKey(ImportRun, verbose_name=_("import run"), on_delete=models.CASCADE, related_name="files")
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveIntegerField(_("bytes"))
    rows = models.PositiveIntegerField(_("rows"), default=0)
    # gzip
    content = models.BinaryField(_("content"), null=True)

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="import_file_by_name")]

    def __str__(self) -> str:
        return self.name
