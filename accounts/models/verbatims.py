"""What customers wrote, wherever they wrote it, as it was read: language, sentiment, topics."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.customers import Account, Contact
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet
from accounts.roles import Role


class VerbatimQuerySet(AccountOwnedQuerySet):
    """Verbatims quote people, so analysts see figures of them only."""

    hidden_from = (Role.ANALYST,)


class Topic(models.Model):
    """A saved query that tags what customers write; one query a language, both for one meaning."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_tr = models.CharField(_("name in Turkish"), max_length=120, blank=True, default="")
    query_en = models.TextField(_("query for English"), blank=True, default="")
    query_tr = models.TextField(_("query for Turkish"), blank=True, default="")
    # counts the changes of the queries; tags remember which one made them
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    active = models.BooleanField(_("active"), default=True)
    created_by = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Verbatim(models.Model):
    """One text of a customer (or about one), read. Made by the app the text belongs to; found by (source, subject).

    `text` is a copy, so that one search covers every source; erasing a person erases it here too.
    """

    class Source(models.TextChoices):
        ANSWER = "answer", _("survey answer")
        REVIEW = "review", _("review")
        MESSAGE = "message", _("ticket message")
        NOTE = "note", _("note")
        CHURN = "churn", _("reason for leaving")

    class Sentiment(models.TextChoices):
        POSITIVE = "positive", pgettext_lazy("sentiment", "positive")
        NEGATIVE = "negative", pgettext_lazy("sentiment", "negative")
        MIXED = "mixed", pgettext_lazy("sentiment", "mixed")
        NEUTRAL = "neutral", pgettext_lazy("sentiment", "neutral")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("source"), max_length=8, choices=Source.choices)
    subject_id = models.CharField(_("subject id"), max_length=64)
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.CASCADE, related_name="verbatims")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="verbatims")
    occurred_at = models.DateTimeField(_("written"))
    text = models.TextField(_("text"))
    text_search = models.TextField(editable=False)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    # what the question before it asked for, `praise` or `blame`: "nothing" is good news after one and bad after the other
    asked = models.CharField(max_length=6, blank=True, default="", editable=False)
    sentiment = models.CharField(_("sentiment"), max_length=8, choices=Sentiment.choices)
    sentiment_score = models.SmallIntegerField(_("sentiment, −100 to 100"))
    # [[start, end, weight], …] on `text`: the words that decided
    evidence = models.JSONField(_("deciding words"), default=list)
    sentiment_corrected = models.CharField(_("sentiment, as a person says"), max_length=8, choices=Sentiment.choices, blank=True, default="")
    corrected_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # of the reader (lexicon and rules) and of the topics; an older one is read again
    reader = models.PositiveIntegerField(default=0, editable=False)
    read_at = models.DateTimeField(_("read"))

    objects = VerbatimQuerySet.as_manager()

    class Meta:
        verbose_name = _("verbatim")
        verbose_name_plural = _("verbatims")
        constraints = [models.UniqueConstraint(fields=["source", "subject_id"], name="verbatim_once")]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="verbatim_by_time"),
            models.Index(fields=["account", "-occurred_at", "-id"], name="verbatim_by_account"),
            models.Index(fields=["reader"], name="verbatim_by_reader"),
            models.Index(fields=["contact"], name="verbatim_by_contact", condition=Q(contact__isnull=False)),
            GinIndex(fields=["text_search"], name="verbatim_search", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.occurred_at:%Y-%m-%d}"


class TopicTag(models.Model):
    """A topic on a verbatim: put there by its query or by a person, and what a reviewer said of it."""

    class By(models.TextChoices):
        QUERY = "query", _("by query")
        PERSON = "person", _("by a person")

    class Verdict(models.TextChoices):
        RIGHT = "right", _("right")
        WRONG = "wrong", _("wrong")

    topic = models.ForeignKey(Topic, verbose_name=_("topic"), on_delete=models.CASCADE, related_name="tags")
    verbatim = models.ForeignKey(Verbatim, verbose_name=_("verbatim"), on_delete=models.CASCADE, related_name="tags")
    by = models.CharField(pgettext_lazy("tag", "set"), max_length=6, choices=By.choices)
    # the words that matched, [[start, end], …], and the sentiment of the clauses around them
    evidence = models.JSONField(default=list)
    sentiment = models.CharField(_("sentiment"), max_length=8, choices=Verbatim.Sentiment.choices, blank=True, default="")
    topic_number = models.PositiveIntegerField(default=1)
    verdict = models.CharField(_("verdict"), max_length=5, choices=Verdict.choices, blank=True, default="")
    reviewed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("topic of a verbatim")
        verbose_name_plural = _("topics of verbatims")
        constraints = [models.UniqueConstraint(fields=["verbatim", "topic", "by"], name="topic_tag_once")]
        indexes = [models.Index(fields=["topic", "-id"], name="topic_tag_by_topic")]

    def __str__(self) -> str:
        return f"{self.topic} · {self.verbatim_id}"


class TextClassifier(models.Model):
    """A classifier trained on the installation's own scored answers, with what it was measured at."""

    language = models.CharField(_("language"), max_length=10)
    trained_at = models.DateTimeField(_("trained"))
    rows = models.PositiveIntegerField(_("answers it learnt from"))
    # {"balanced_accuracy": …, "low": …, "high": …, "rows": …} of answers it had not seen
    measured = models.JSONField(_("measured"), default=dict)
    weights = models.BinaryField(editable=False)
    active = models.BooleanField(_("in use"), default=False)
    trained_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("text classifier")
        verbose_name_plural = _("text classifiers")
        constraints = [models.UniqueConstraint(fields=["language"], condition=Q(active=True), name="text_classifier_one_active")]

    def __str__(self) -> str:
        return f"{self.language} {self.trained_at:%Y-%m-%d}"
