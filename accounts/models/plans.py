"""Plans agreed with a customer: onboarding by milestones, shared by link, and what success means in numbers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account, Contact
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet

LANGUAGES = [("en", _("English")), ("tr", _("Turkish"))]


class PlanTemplate(models.Model):
    """What an onboarding plan is made from: milestones in order with their steps. A plan keeps the steps it was made with."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES, default="en", help_text=_("Of its words, and of the page that the customer sees."))
    # read and checked by `accounts.plan_outline`
    milestones = models.JSONField(_("milestones"), default=list)
    active = models.BooleanField(_("offered for new plans"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("plan template")
        verbose_name_plural = _("plan templates")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class OnboardingPlan(models.Model):
    """A template at work for one account. Done means that every required step is; a minute later that is told as an event."""

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="onboarding_plans")
    template = models.ForeignKey(PlanTemplate, verbose_name=_("template"), null=True, blank=True, on_delete=models.SET_NULL, related_name="plans")
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES, default="en")
    owner = models.ForeignKey(
        User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="onboarding_plans", help_text=_("Empty: the account's owner.")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField(_("started"))
    # set when the last required step is done, taken back when one is not; `told_at` is when it became an event
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    told_at = models.DateTimeField(_("told as an event"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stop_reason = models.CharField(_("why it was stopped"), max_length=300, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(User, verbose_name=_("made by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("onboarding plan")
        verbose_name_plural = _("onboarding plans")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "template"], condition=Q(status="running"), name="plan_once_while_running",
                violation_error_message=_("A plan of this template runs for the account already."),
            ),
            models.CheckConstraint(condition=~Q(status="done") | Q(completed_at__isnull=False, told_at__isnull=False), name="plan_done_is_told"),
            models.CheckConstraint(condition=~Q(status="stopped") | (Q(stopped_at__isnull=False) & ~Q(stop_reason="")), name="plan_stopped_has_reason"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["account", "-started_at"], name="plan_by_account"),
            models.Index(fields=["-started_at", "-id"], name="plan_running", condition=Q(status="running")),
            models.Index(fields=["completed_at"], name="plan_to_tell", condition=Q(status="running", completed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class PlanMilestone(models.Model):
    """A stretch of a plan. It starts when every required step of those before it is done."""

    plan = models.ForeignKey(OnboardingPlan, on_delete=models.CASCADE, related_name="milestones")
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=120)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["plan", "position"]
        constraints = [models.UniqueConstraint(fields=["plan", "position"], name="milestone_position_once")]

    def __str__(self) -> str:
        return self.name


class PlanStep(models.Model):
    """Something to achieve: done by hand of ours, by the customer on the shared page, or by a rule that is met."""

    class Side(models.TextChoices):
        US = "us", _("us")
        CUSTOMER = "customer", _("the customer")

    class How(models.TextChoices):
        HAND = "hand", _("by hand")
        CUSTOMER = "customer", _("by the customer")
        RULE = "rule", _("by its rule")

    milestone = models.ForeignKey(PlanMilestone, on_delete=models.CASCADE, related_name="steps")
    # copies, so that sweeps and access need no joins
    plan = models.ForeignKey(OnboardingPlan, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=200)
    details = models.CharField(_("details"), max_length=500, blank=True, default="")
    required = models.BooleanField(_("required"), default=True)
    side = models.CharField(_("whose it is"), max_length=8, choices=Side.choices, default=Side.US)
    visible = models.BooleanField(_("shown to the customer"), default=True)
    rule = models.JSONField(_("rule"), null=True, blank=True, help_text=_("Done as soon as the account meets it."))
    # a rule that a person contradicted is asked no more
    rule_off = models.BooleanField(default=False, editable=False)
    due_days = models.PositiveSmallIntegerField(_("working days after the milestone starts"), null=True, blank=True)
    due_on = models.DateField(_("due on"), null=True, blank=True)
    due_by_hand = models.BooleanField(default=False, editable=False)
    # the due day for which work was opened: once per step and day
    late_told_on = models.DateField(null=True, blank=True, editable=False)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_how = models.CharField(_("done how"), max_length=8, choices=How.choices, blank=True, default="")
    done_by = models.ForeignKey(User, verbose_name=_("done by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("step of a plan")
        verbose_name_plural = _("steps of plans")
        ordering = ["milestone__position", "position"]
        constraints = [
            models.UniqueConstraint(fields=["milestone", "position"], name="plan_step_position_once"),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, done_how="") | Q(done_at__isnull=False, done_how__in=["hand", "customer", "rule"]), name="plan_step_done_says_how"
            ),
        ]
        indexes = [
            models.Index(fields=["due_on"], name="plan_step_due", condition=Q(done_at__isnull=True, due_on__isnull=False)),
            models.Index(fields=["plan"], name="plan_step_by_rule", condition=Q(done_at__isnull=True, rule__isnull=False, rule_off=False)),
        ]

    def __str__(self) -> str:
        return self.name


class PlanLink(models.Model):
    """A way to a plan's page without a login; only the token's hash is stored. It ends by itself, or when it is revoked."""

    plan = models.ForeignKey(OnboardingPlan, on_delete=models.CASCADE, related_name="links")
    contact = models.ForeignKey(Contact, verbose_name=_("for"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    token_digest = models.BinaryField(max_length=32, unique=True, editable=False)
    issued_by = models.ForeignKey(User, verbose_name=_("made by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    issued_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("ends"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("link to a plan")
        verbose_name_plural = _("links to plans")
        ordering = ["-issued_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="plan_link_ends_after_it_begins")]

    def __str__(self) -> str:
        return f"{self.plan_id} · {self.issued_at:%Y-%m-%d}"


class SuccessPlan(models.Model):
    """What a customer wants to reach, as a number from a start value to a target by a day."""

    class Measure(models.TextChoices):
        """Where the number comes from: a field that is read every day, or a person."""

        BY_HAND = "", _("Something else, measured by hand")
        HEALTH = "health", _("Health, points")
        MRR = "mrr", _("MRR")
        NPS = "nps", _("Last NPS answer")
        CSAT = "csat", _("CSAT of 90 days, mean")
        OPEN_TICKETS = "open_tickets", _("Open tickets")
        CHURN_RISK = "churn_risk", _("Churn risk, percent")
        ACTIVE_DAYS = "active_days", _("Days of use in 28 days")
        USERS = "users", _("Most users on a day of 28")
        USAGE = "usage", _("Uses in 28 days")

    class Status(models.TextChoices):
        ON_TRACK = "on_track", _("on track")
        BEHIND = "behind", _("behind")
        OVERDUE = "overdue", _("overdue")
        REACHED = "reached", _("reached")
        CLOSED = "closed", _("closed")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="success_plans")
    objective = models.CharField(_("objective"), max_length=200)
    measure = models.CharField(_("measure"), max_length=12, choices=Measure.choices, blank=True, default="")
    feature = models.CharField(_("feature"), max_length=120, blank=True, default="", help_text=_("Of the measures of use; empty: any."))
    measure_words = models.CharField(_("measure in words"), max_length=120, blank=True, default="")
    start_value = models.DecimalField(_("start value"), max_digits=18, decimal_places=2)
    target_value = models.DecimalField(_("target"), max_digits=18, decimal_places=2)
    current_value = models.DecimalField(_("now"), max_digits=18, decimal_places=2, null=True, blank=True)
    measured_at = models.DateTimeField(_("measured"), null=True, blank=True)
    started_on = models.DateField(_("begun"))
    target_on = models.DateField(_("target date"))
    owner = models.ForeignKey(
        User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="success_plans", help_text=_("Empty: the account's owner.")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.ON_TRACK)
    # a sentence key and its values, as in WorkItem.why
    why = models.JSONField(_("why"), default=dict)
    # a person's word holds until the next review
    judged_by = models.ForeignKey(User, verbose_name=_("judged by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=500, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("success plan")
        verbose_name_plural = _("success plans")
        constraints = [
            models.CheckConstraint(
                condition=~Q(start_value=F("target_value")), name="success_has_a_way_to_go", violation_error_message=_("The target differs from the start value.")
            ),
            models.CheckConstraint(
                condition=Q(target_on__gt=F("started_on")), name="success_ends_after_it_begins", violation_error_message=_("The target date lies after the beginning.")
            ),
            models.CheckConstraint(condition=Q(status="closed", closed_at__isnull=False) | (~Q(status="closed") & Q(closed_at__isnull=True)), name="success_closed_has_instant"),
        ]
        indexes = [
            models.Index(fields=["account", "target_on"], name="success_by_account"),
            models.Index(fields=["target_on", "id"], name="success_open", condition=~Q(status="closed")),
        ]

    def __str__(self) -> str:
        return self.objective


class SuccessReview(models.Model):
    """A day on which a success plan is looked at together, and what came of it."""

    plan = models.ForeignKey(SuccessPlan, on_delete=models.CASCADE, related_name="reviews")
    due_on = models.DateField(_("planned for"))
    told_on = models.DateField(null=True, blank=True, editable=False)
    held_at = models.DateTimeField(_("held"), null=True, blank=True)
    held_by = models.ForeignKey(User, verbose_name=_("held by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    value = models.DecimalField(_("value then"), max_digits=18, decimal_places=2, null=True, blank=True)
    note = models.CharField(_("what came of it"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("review of a success plan")
        verbose_name_plural = _("reviews of success plans")
        ordering = ["due_on", "id"]
        constraints = [models.UniqueConstraint(fields=["plan", "due_on"], name="success_review_once_a_day")]
        indexes = [models.Index(fields=["due_on"], name="success_review_due", condition=Q(held_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.due_on)


class SuccessMeasurement(models.Model):
    """The value of a success plan on a day; the last one of the day stands."""

    plan = models.ForeignKey(SuccessPlan, on_delete=models.CASCADE, related_name="measurements")
    day = models.DateField(_("day"))
    value = models.DecimalField(_("value"), max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = _("measurement of a success plan")
        verbose_name_plural = _("measurements of success plans")
        ordering = ["day"]
        constraints = [models.UniqueConstraint(fields=["plan", "day"], name="success_measured_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.value}"
