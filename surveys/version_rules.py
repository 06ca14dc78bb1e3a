"""What a version of a survey must be like: its scale by kind, its reasons, its words. Pure; each rule names the field it is about.

`scale_faults` and `reason_faults` hold for drafts as well. `missing_words` is asked when a version is
published: a draft may be unfinished.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from surveys.looks import FACES, MOST_FACES, NUMBERS, look_of, offered_scores

# what mails and pages fill, and what they show as it is
FILLED = ("mail_subject", "mail_body", "question", "why_low", "why_middle", "why_high", "reminder_subject", "reminder_body")
PLAIN = ("low_label", "high_label", "thanks")
NEEDED = ("mail_subject", "mail_body", "question", "low_label", "high_label", "why_low", "why_high", "thanks")
BANDS = ("any", "low", "high")
MOST_REASONS = 60
_KEY = re.compile(r"[a-z0-9_]{1,40}(\.[a-z0-9_]{1,40})?")
Faults = dict[str, list[str]]


def scale_faults(*, kind: str, low: int, high: int, high_good: bool, look: str = "", offered: Sequence[int] = (), low_score: int | None = None) -> Faults:
    """What is wrong with a scale, by field."""
    faults: Faults = {}
    if not (0 <= low < high <= 10):
        return {"scale_max": [_("A scale lies within 0 and 10 and has at least two scores.")]}
    if kind == "nps" and ((low, high) not in {(0, 10), (1, 10)} or not high_good):
        faults["scale_max"] = [_("NPS is asked on 0 to 10 or on 1 to 10, and 10 is good.")]
    if offered:
        if list(offered) != sorted(set(offered)) or len(offered) < 2 or offered[0] != low or offered[-1] != high:
            faults["offered"] = [_("The scores offered stand in order, each once, with both ends of the scale among them.")]
        elif kind == "nps":
            faults["offered"] = [_("NPS offers every score of its scale.")]
    if look == FACES and len(offered_scores(low, high, offered)) > MOST_FACES:
        faults["look"] = [_("More than five faces cannot be told apart: show numbers.")]
    if low_score is not None and not (low <= low_score < high if high_good else low < low_score <= high):
        faults["low_score"] = [_("That is not on the scale, or it would call every answer unhappy.")]
    return faults


def reason_faults(reasons: Any) -> list[str]:
    """What is wrong with the list of reasons: unknown keys, doubles, a level too deep."""
    if not isinstance(reasons, list) or not all(isinstance(entry, dict) for entry in reasons):
        return [_("Reasons are a list of entries with a key.")]
    if len(reasons) > MOST_REASONS:
        return [_("At most %(most)d reasons.") % {"most": MOST_REASONS}]
    found: list[str] = []
    keys = [str(entry.get("key", "")) for entry in reasons]
    tops = {str(entry.get("key", "")) for entry in reasons if not entry.get("parent")}
    for entry, key in zip(reasons, keys, strict=True):
        if not _KEY.fullmatch(key):
            found.append(_("“%(key)s” is no key: small letters, digits and _ alone.") % {"key": key[:60]})
        if entry.get("band", "any") not in BANDS:
            found.append(_("“%(key)s” stands for no band of answers.") % {"key": key[:60]})
        if entry.get("parent") and entry["parent"] not in tops:
            found.append(_("“%(key)s” stands below a reason that is not there, or that stands below another.") % {"key": key[:60]})
    found += [_("“%(key)s” is there twice.") % {"key": key} for key in sorted({key for key in keys if keys.count(key) > 1})]
    return found


def missing_words(text: Mapping[str, Any], *, kind: str, look: str, low: int, high: int, offered: Sequence[int], reasons: Sequence[Mapping[str, Any]]) -> Faults:
    """What a text still needs before its version can be published, by field."""
    faults: Faults = {name: [_("This is still empty.")] for name in NEEDED if not str(text.get(name, "")).strip()}
    if kind == "exit":
        faults.pop("why_high", None)
    if bool(text.get("reminder_subject")) != bool(text.get("reminder_body")):
        faults["reminder_body" if text.get("reminder_subject") else "reminder_subject"] = [_("The reminder needs both, or neither for the shipped words.")]
    scores = offered_scores(low, high, offered)
    ends = {low, high}
    if look_of(kind, look, scores) != NUMBERS:
        wordless = [score for score in scores if not text.get("score_labels", {}).get(str(score)) and score not in ends]
        if wordless:
            faults["score_labels"] = [_("Each score needs words: %(scores)s.") % {"scores": ", ".join(map(str, wordless))}]
    labels = text.get("reason_labels", {})
    nameless = [str(entry["key"]) for entry in reasons if not labels.get(entry["key"])]
    if nameless:
        faults["reason_labels"] = [_("Each reason needs words: %(reasons)s.") % {"reasons": ", ".join(nameless[:8])}]
    return faults


def text_fields(text: Any) -> list[tuple[str, str, bool]]:
    """(field, words, whether placeholders are filled) of a text, for checking its placeholders."""
    fields = [(name, str(getattr(text, name) or ""), True) for name in FILLED] + [(name, str(getattr(text, name) or ""), False) for name in PLAIN]
    for name in ("reason_labels", "score_labels"):
        labels = getattr(text, name)
        fields += [(name, str(words), False) for words in labels.values()] if isinstance(labels, dict) else []
    return fields
