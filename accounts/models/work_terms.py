"""What stands around work items: what an hour of each kind of work is thought to save, calls on renewals, many changes at once."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account
from accounts.models.people import User
from accounts.models.work import WorkItem
from accounts.querysets import AccountOwnedQuerySet


class WorkAssumption(models.Model):
    """What one kind of work is thought to save of a loss that is expected, and how long it takes. An assumption, not a figure.

    `ranked_at` is empty until the ranks of open work follow what stands here; the sweep fills it.
    """

    type = models.CharField(_("type"), max_length=10, choices=WorkItem.Type.choices, unique=True)
    saves = models.DecimalField(_("share of the loss saved"), max_digits=5, decimal_places=4, validators=[MinValueValidator(0), MaxValueValidator(1)], help_text=_("From 0 to 1."))
    minutes = models.PositiveSmallIntegerField(_("expected minutes"), validators=[MinValueValidator(5), MaxValueValidator(2400)])
    closes_itself = models.BooleanField(_("closes by itself"), default=True, db_default=True, help_text=_("When what it was opened for is over."))
    changed_by = models.ForeignKey(User, verbose_name=_("changed by"), null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True, editable=False)
    ranked_at = models.DateTimeField(_("ranks follow since"), null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("assumption about work")
        verbose_name_plural = _("assumptions about work")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(saves__gte=0, saves__lte=1), name="work_saves_is_share"),
            models.CheckConstraint(condition=Q(minutes__gte=5), name="work_takes_some_minutes"),
        ]

    def __str__(self) -> str:
        return str(self.get_type_display())


class RenewalCall(models.Model):
    """What somebody expects of a renewal: rows are only added, the latest is `current`. Money a year, in the reporting currency."""

    class Call(models.TextChoices):
        RENEW = "renew", _("Renews")
        WATCH = "watch", _("Watch")
        AT_RISK = "at_risk", _("At risk")
        LOST = "lost", _("Lost")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="renewal_calls")
    call = models.CharField(_("call"), max_length=8, choices=Call.choices)
    amount_micros = models.BigIntegerField(_("expected a year, millionths"), default=0)
    renews_on = models.DateField(_("renewal"))
    expected_on = models.DateField(_("expected on"))
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    current = models.BooleanField(_("latest"), default=True)
    made_by = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(_("made"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("renewal call")
        verbose_name_plural = _("renewal calls")
        ordering = ["-made_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(current=True), name="renewal_one_current_call"),
            models.CheckConstraint(condition=Q(amount_micros__gte=0), name="renewal_amount_not_negative"),
        ]
        indexes = [models.Index(fields=["account", "-made_at", "-id"], name="renewal_calls_by_account")]

    def __str__(self) -> str:
        return f"{self.account}: {self.get_call_display()}"


class WorkBatch(models.Model):
    """One change of many work items that runs in the background; its rows say which, and how they were."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    user = models.ForeignKey(User, verbose_name=_("person"), on_delete=models.CASCADE, related_name="+")
    do = models.CharField(_("what"), max_length=8)
    values = models.JSONField(_("values"), default=dict)
    total = models.PositiveIntegerField(_("rows"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    stale = models.PositiveIntegerField(_("left as they were"), default=0)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RUNNING)
    undoes = models.OneToOneField("self", verbose_name=_("takes back"), null=True, blank=True, on_delete=models.CASCADE, related_name="undone_by")
    created_at = models.DateTimeField(_("created"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("change of many work items")
        verbose_name_plural = _("changes of many work items")
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], name="work_batches_running", condition=Q(state="running"))]

    def __str__(self) -> str:
        return f"{self.do} × {self.total}"


class WorkBatchRow(models.Model):
    """One work item of a batch: waiting until it was changed, or found changed by somebody else."""

    class State(models.IntegerChoices):
        WAITING = 0, _("waiting")
        CHANGED = 1, _("changed")
        STALE = 2, _("left as it was")

    batch = models.ForeignKey(WorkBatch, verbose_name=_("batch"), on_delete=models.CASCADE, related_name="rows")
    work_item = models.ForeignKey(WorkItem, verbose_name=_("work item"), on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField(_("version seen"))
    state = models.PositiveSmallIntegerField(_("state"), choices=State.choices, default=State.WAITING)
    before = models.JSONField(_("before"), null=True, blank=True)

    class Meta:
        verbose_name = _("row of a change")
        verbose_name_plural = _("rows of a change")
        constraints = [models.UniqueConstraint(fields=["batch", "work_item"], name="work_batch_row_once")]
        indexes = [models.Index(fields=["batch", "id"], name="work_batch_waiting", condition=Q(state=0))]

    def __str__(self) -> str:
        return f"{self.batch_id}: {self.work_item_id}"
