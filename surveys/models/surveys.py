"""Surveys, their frozen versions, and the texts of a version per language."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment, User
from accounts.placeholders import check_each
from accounts.roles import READS_PROGRAMMES, WRITES_PROGRAMMES
from surveys.version_rules import reason_faults, scale_faults, text_fields


class EditedQuerySet(models.QuerySet):
    """Surveys and their versions: words of the house, not of a customer, so no book limits them but the role."""

    def visible_to(self, user: User) -> EditedQuerySet:
        """All of them, for the roles that read programmes."""
        return self if user.is_authenticated and user.is_active and user.role in READS_PROGRAMMES else self.none()

    def changeable_by(self, user: User) -> EditedQuerySet:
        """All of them, for the roles that edit surveys."""
        return self.visible_to(user) if user.is_authenticated and user.role in WRITES_PROGRAMMES else self.none()


class SurveyKind(models.TextChoices):
    """What a survey measures."""

    NPS = "nps", _("NPS")
    CSAT = "csat", _("CSAT")
    CES = "ces", _("CES")
    EXIT = "exit", _("Exit")
    REVIEW = "review", _("Review")


class Direction(models.TextChoices):
    """Which end of the scale is good."""

    HIGH_GOOD = "high_good", _("high is good")
    LOW_GOOD = "low_good", _("low is good")


class Look(models.TextChoices):
    """How the scores of a scale are shown to choose from."""

    NUMBERS = "numbers", _("numbers")
    FACES = "faces", _("faces")
    WORDS = "words", _("words")


class Survey(models.Model):
    """A survey under one key, through all its versions."""

    key = models.SlugField(_("key"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=6, choices=SurveyKind.choices)
    # how its mails and pages look and whom they come from; empty means as everything of the installation
    sender_name = models.CharField(_("sender's name"), max_length=80, blank=True, default="")
    sender_address = models.EmailField(_("sender's address"), blank=True, default="")
    reply_to = models.EmailField(_("answers to the mail go to"), blank=True, default="")
    brand_color = models.CharField(
        _("brand colour"), max_length=7, blank=True, default="", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as # and six digits, #23408e say."))]
    )
    # the logo in use: the name of its file, made of its own digest ("3f….png"), and how large it is shown
    logo_file = models.CharField(max_length=80, blank=True, default="", editable=False)
    logo_width = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    logo_height = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    # goes up with every change of the fields above, so that nobody overwrites what he has not seen
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = EditedQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class SurveyLogo(models.Model):
    """A picture that mails of a survey show. Rows stay when the logo changes: mails that were sent still ask for theirs."""

    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.CASCADE, related_name="logos")
    file = models.CharField(_("file"), max_length=80)
    media_type = models.CharField(_("type"), max_length=20)
    content = models.BinaryField(_("content"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("logo")
        verbose_name_plural = _("logos")
        constraints = [models.UniqueConstraint(fields=["survey", "file"], name="survey_logo_once")]

    def __str__(self) -> str:
        return f"{self.survey} {self.file}"


class SurveyVersion(models.Model):
    """A scale and its wording. Once published it is frozen: a change is a new version."""

    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"), default=1)
    scale_min = models.SmallIntegerField(_("lowest score"))
    scale_max = models.SmallIntegerField(_("highest score"))
    direction = models.CharField(_("direction"), max_length=9, choices=Direction.choices, default=Direction.HIGH_GOOD)
    look = models.CharField(_("shown as"), max_length=7, choices=Look.choices, blank=True, default="", help_text=_("Empty: what is usual for the kind."))
    # three faces on a scale of 1 to 5, say: [1, 3, 5] declares which scores they stand for
    offered = ArrayField(models.SmallIntegerField(), verbose_name=_("scores offered"), default=list, blank=True, help_text=_("Empty: all of the scale."))
    # what counts as unhappy and opens work: scores up to this (high is good) or from this (low is good)
    low_score = models.SmallIntegerField(_("unhappy from"), null=True, blank=True)
    # follow-up reasons offered after the score: [{"key": …, "band": "low|high|any"}]; texts in SurveyText
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    # goes up with every save of the draft or its texts
    revision = models.PositiveIntegerField(default=1, editable=False)

    objects = EditedQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey version")
        verbose_name_plural = _("survey versions")
        ordering = ["survey", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_once"),
            models.CheckConstraint(condition=Q(scale_max__gt=F("scale_min")), name="survey_scale_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.survey} v{self.number}"

    @property
    def is_frozen(self) -> bool:
        """Whether it was published."""
        return self.published_at is not None

    def clean(self) -> None:
        """A scale that its kind knows, and reasons of two levels."""
        super().clean()
        faults: dict[str, list[str]] = {}
        if self.survey_id and self.scale_min is not None and self.scale_max is not None:
            faults = scale_faults(
                kind=self.survey.kind, low=self.scale_min, high=self.scale_max, high_good=self.direction == Direction.HIGH_GOOD, look=self.look, offered=self.offered,
                low_score=self.low_score,
            )  # fmt: skip
        if found := reason_faults(self.reasons):
            faults["reasons"] = found
        if faults:
            raise ValidationError(faults)  # type: ignore[arg-type]


class SurveyText(models.Model):
    """The words of one version in one language. `{placeholders}` are of a closed, safe set."""

    version = models.ForeignKey(SurveyVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=10)
    mail_subject = models.CharField(_("subject of the mail"), max_length=200)
    mail_body = models.TextField(_("text of the mail"), help_text=_("Before the scale."))
    question = models.CharField(_("question"), max_length=300)
    low_label = models.CharField(_("words at the low end"), max_length=80)
    high_label = models.CharField(_("words at the high end"), max_length=80)
    # per score band: what is asked after the score
    why_low = models.CharField(_("“why” for a low score"), max_length=300)
    why_middle = models.CharField(_("“why” for a middle score"), max_length=300, blank=True, default="")
    why_high = models.CharField(_("“why” for a high score"), max_length=300)
    reminder_subject = models.CharField(_("subject of the reminder"), max_length=200, blank=True, default="")
    reminder_body = models.TextField(_("text of the reminder"), blank=True, default="")
    thanks = models.CharField(_("thanks"), max_length=300)
    # {"reason key": "words"}; and words of single scores (faces): {"1": "Very bad", …}
    reason_labels = models.JSONField(_("words of reasons"), default=dict, blank=True)
    score_labels = models.JSONField(_("words of scores"), default=dict, blank=True)

    class Meta:
        verbose_name = _("survey text")
        verbose_name_plural = _("survey texts")
        ordering = ["version", "language"]
        constraints = [models.UniqueConstraint(fields=["version", "language"], name="survey_text_once")]

    def __str__(self) -> str:
        return f"{self.version} {self.language}"

    def clean(self) -> None:
        """Only placeholders that somebody fills."""
        super().clean()
        check_each(text_fields(self))


class SegmentLetter(models.Model):
    """Another subject and text of the mail for the accounts of one segment; as frozen as its version."""

    text = models.ForeignKey(SurveyText, verbose_name=_("text"), on_delete=models.CASCADE, related_name="segment_letters")
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.PROTECT, related_name="+")
    mail_subject = models.CharField(_("subject of the mail"), max_length=200)
    mail_body = models.TextField(_("text of the mail"), help_text=_("Before the scale."))

    class Meta:
        verbose_name = _("mail for a segment")
        verbose_name_plural = _("mails for segments")
        constraints = [models.UniqueConstraint(fields=["text", "segment"], name="segment_letter_once")]

    def __str__(self) -> str:
        return f"{self.text} · {self.segment}"

    def clean(self) -> None:
        """Only placeholders that somebody fills."""
        super().clean()
        check_each([("mail_subject", self.mail_subject, True), ("mail_body", self.mail_body, True)])
