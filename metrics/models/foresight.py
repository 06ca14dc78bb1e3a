"""Looking back to look ahead: backtests of health, the models of churn risk, and the risk of every account."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from accounts.querysets import AccountOwnedQuerySet
from metrics.models.health import HealthModel


class BacktestRun(models.Model):
    """One question of how well health told who would leave, its progress and its answer.

    The row is the queue: a worker takes what is `queued`, a sweep takes up what died while `running`.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        FAILED = "failed", _("failed")

    # empty: the models that are active, each for its segments, as they score
    model = models.ForeignKey(HealthModel, verbose_name=_("health model"), null=True, blank=True, on_delete=models.CASCADE, related_name="backtests")
    model_label = models.CharField(_("model"), max_length=200)
    start = models.DateField(_("start"))
    end = models.DateField(_("end"), help_text=_("Exclusive."))
    horizon_days = models.PositiveSmallIntegerField(_("horizon, days"), default=90)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.QUEUED)
    steps_done = models.PositiveSmallIntegerField(_("dates done"), default=0)
    steps = models.PositiveSmallIntegerField(_("dates"), default=0)
    # what the answer is made of: docs/health.md
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    # a key and its values where it was refused, as texts are kept for each reader's language
    refusal = models.JSONField(_("refusal"), default=dict, blank=True)
    made_by = models.ForeignKey(User, verbose_name=_("asked for by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("asked for"))
    beaten_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    seconds = models.FloatField(_("duration, seconds"), null=True, blank=True)

    class Meta:
        verbose_name = _("backtest")
        verbose_name_plural = _("backtests")
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="backtest_ends_after_start")]
        indexes = [models.Index(fields=["status", "created_at"], name="backtest_to_do", condition=Q(status__in=["queued", "running"]))]

    def __str__(self) -> str:
        return f"{self.model_label} {self.start}–{self.end}"


class ChurnModel(models.Model):
    """One training of churn risk: what it was fitted on, how it did on later dates, and the fitted numbers as JSON text.

    A training that was refused is kept too, with why. `fitted` is text, not bytes of a program: reading
    it runs nothing, and `digest` tells whether it is what was written.
    """

    number = models.PositiveIntegerField(_("version"), unique=True)
    trained_at = models.DateTimeField(_("trained"))
    as_of = models.DateTimeField(_("as of"))
    horizon_days = models.PositiveSmallIntegerField(_("horizon, days"))
    first_date = models.DateField(_("first date"), null=True, blank=True)
    last_date = models.DateField(_("last date"), null=True, blank=True)
    algorithm = models.CharField(_("algorithm"), max_length=20, blank=True, default="")
    rows = models.PositiveIntegerField(_("rows"), default=0)
    accounts = models.PositiveIntegerField(_("accounts"), default=0)
    churned = models.PositiveIntegerField(_("accounts that churned"), default=0)
    auc = models.FloatField(_("AUC"), null=True, blank=True)
    auc_low = models.FloatField(null=True, blank=True)
    auc_high = models.FloatField(null=True, blank=True)
    brier = models.FloatField(_("Brier score"), null=True, blank=True)
    # validation in full, importances, what was left out: docs/health.md
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    features = models.JSONField(_("features"), default=list, blank=True)
    fitted = models.TextField(_("fitted model"), blank=True, default="", editable=False)
    digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    refusal = models.JSONField(_("refusal"), default=dict, blank=True)
    seconds = models.FloatField(_("duration, seconds"), null=True, blank=True)

    class Meta:
        verbose_name = _("churn risk model")
        verbose_name_plural = _("churn risk models")
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"v{self.number}"


class ChurnRisk(models.Model):
    """How likely an account is to leave within the horizon of its model, and the strongest reasons."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="churn_risk")
    model = models.ForeignKey(ChurnModel, verbose_name=_("model"), on_delete=models.CASCADE, related_name="risks")
    probability = models.FloatField(_("churn risk"))
    mrr_micros = models.BigIntegerField(_("MRR"), default=0)
    # probability x MRR, per month in millionths of the reporting currency: what the list is sorted by
    at_stake_micros = models.BigIntegerField(_("MRR to be lost, expected"), default=0)
    # at most three, the strongest first: {"feature", "value", "usual", "effect"}; effect in log-odds
    reasons = models.JSONField(_("reasons"), default=list)
    as_of = models.DateTimeField(_("as of"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("churn risk")
        verbose_name_plural = _("churn risks")
        constraints = [models.CheckConstraint(condition=Q(probability__gte=0, probability__lte=1), name="churn_risk_is_probability")]
        indexes = [
            models.Index(fields=["-at_stake_micros", "account"], name="churn_risk_by_stake"),
            models.Index(fields=["-probability", "account"], name="churn_risk_by_probability"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.probability:.3f}"
