"""What came in by file: batches, and for each changed row how to undo it."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class ImportBatch(models.Model):
    """One file loaded in one transaction."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=40)
    file_name = models.CharField(_("file"), max_length=300)
    profile = models.CharField(_("profile"), max_length=80, blank=True, default="")
    created = models.IntegerField(_("created"), default=0)
    changed = models.IntegerField(_("changed"), default=0)
    unchanged = models.IntegerField(_("unchanged"), default=0)
    rejected = models.IntegerField(_("rejected"), default=0)
    warnings = models.JSONField(_("warnings"), default=dict, blank=True)
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    loaded_at = models.DateTimeField(_("loaded"), db_default=models.functions.Now())
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    # of an import at the pages: what was found there stays with it
    run = models.ForeignKey("accounts.ImportRun", verbose_name=_("import run"), null=True, blank=True, on_delete=models.SET_NULL, related_name="batches")

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-loaded_at", "id"]
        indexes = [models.Index(fields=["-loaded_at", "id"], name="import_batch_newest")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.file_name}"


class ImportChange(models.Model):
    """One row that a batch created or changed: what stood there before, and what it left."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="changes")
    table = models.CharField(_("table"), max_length=80)
    row_key = models.JSONField(_("row"))
    created = models.BooleanField(_("created"))
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        verbose_name = _("imported row")
        verbose_name_plural = _("imported rows")
        indexes = [models.Index(fields=["batch", "table"], name="change_by_batch")]

    def __str__(self) -> str:
        return f"{self.table} {self.row_key}"
