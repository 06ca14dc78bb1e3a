"""What a mail provider reports of one mail to one person, in our own few words. Pure.

A provider's many names (already brought into the common ones of `anymail`) come down to six kinds. What
says nothing about whether a person can and wants to be written to is `other`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

HARD, SOFT, COMPLAINT, UNSUBSCRIBE, DELIVERED, OTHER = "hard_bounce", "soft_bounce", "complaint", "unsubscribe", "delivered", "other"

_UUID = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![0-9a-fA-F])")
_MESSAGE_ID = re.compile(_UUID.pattern + r"[A-Za-z0-9._-]*@[A-Za-z0-9.-]+")
# more ids than this are no report of one mail
_MOST_IDS = 50
# "no such user", "no such domain": the classes of RFC 3463 that do not pass by themselves
_NO_SUCH_USER = re.compile(r"(?<![0-9.])5\.(1\.[0-36]|4\.4|2\.1)(?![0-9.])")


@dataclass(frozen=True, kw_only=True)
class MailReport:
    """One report. `references` and `message_ids` are those of our form that it holds; `own_id` is the provider's."""

    kind: str
    provider: str
    recipient: str = ""
    own_id: str = ""
    references: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    # what the provider calls it, for a person to read
    said: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For storing."""
        return {**asdict(self), "references": list(self.references), "message_ids": list(self.message_ids)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> MailReport:
        """From what was stored."""
        return cls(**{**stored, **{name: tuple(stored.get(name, ())) for name in ("references", "message_ids")}})


def references_in(raw: Any) -> tuple[str, ...]:
    """The ids of our form in a payload, wherever the provider put our headers or metadata; lower case, each once."""
    return tuple(dict.fromkeys(found.lower() for found in _UUID.findall(json.dumps(raw, default=str))))[:_MOST_IDS]


def message_ids_in(raw: Any) -> tuple[str, ...]:
    """The message ids of our form in a payload, in angle brackets as the outbox keeps them."""
    text = json.dumps(raw, default=str)
    return tuple(dict.fromkeys(f"<{found.group(0)}>" for found in _MESSAGE_ID.finditer(text)))[:_MOST_IDS]


def kind_of(provider: str, *, event_type: str, reject_reason: str | None, mta_response: str | None, raw: Any) -> str:
    """The kind of a report. `event_type` and `reject_reason` are anymail's, `raw` is what the provider sent."""
    if event_type == "delivered":
        return DELIVERED
    if event_type == "complained" or (event_type == "rejected" and reject_reason == "spam"):
        return COMPLAINT
    if event_type == "unsubscribed":
        return UNSUBSCRIBE
    said = _own_words(provider, raw)
    if said in _BY_OWN_WORDS:
        return _BY_OWN_WORDS[said]
    if event_type == "bounced":
        return _bounce(provider, raw, reject_reason, mta_response)
    if event_type == "rejected":
        # the provider did not even try, because of what it knows of the address
        return {"bounced": HARD, "invalid": HARD, "unsubscribed": UNSUBSCRIBE}.get(reject_reason or "", SOFT)
    if event_type == "failed" and provider == "postal":
        return HARD if _NO_SUCH_USER.search(mta_response or "") else SOFT
    return OTHER


def _own_words(provider: str, raw: Any) -> str:
    """`provider:word` of payloads whose common name says less than their own."""
    if not isinstance(raw, Mapping):
        return ""
    word: Any = ""
    if provider == "brevo":
        word = raw.get("event")
    elif provider == "mailgun":
        data = raw.get("event-data") or {}
        word = data.get("severity") if data.get("reason") in {None, "", "generic", "bounce", "old"} else data.get("reason")
        word = word if data.get("event") == "failed" else ""
    elif provider == "postmark":
        word = raw.get("Type")
    elif provider == "mandrill":
        rejected = ((raw.get("msg") or {}).get("reject") or {}) if raw.get("event") == "reject" else {}
        word = rejected.get("reason") or raw.get("event")
    elif provider == "sendgrid":
        word = raw.get("type") if raw.get("event") == "bounce" else raw.get("reason") if raw.get("event") == "dropped" else ""
    elif provider == "unisender_go":
        word = (raw.get("event_data") or raw).get("status")
    elif provider in {"mailersend", "mailtrap"}:
        word = raw.get("type") or raw.get("event")
    return f"{provider}:{word}".lower() if isinstance(word, str) and word else ""


_BY_OWN_WORDS = {
    "brevo:hard_bounce": HARD, "brevo:invalid_email": HARD, "brevo:soft_bounce": SOFT, "brevo:error": SOFT, "brevo:blocked": SOFT,
    "mailgun:temporary": SOFT, "mailgun:permanent": HARD, "mailgun:suppress-bounce": HARD, "mailgun:suppress-complaint": COMPLAINT,
    "mailgun:suppress-unsubscribe": UNSUBSCRIBE,
    "postmark:hardbounce": HARD, "postmark:bademailaddress": HARD, "postmark:softbounce": SOFT, "postmark:transient": SOFT, "postmark:dnserror": SOFT,
    "postmark:blocked": SOFT,
    "postmark:virusnotification": SOFT, "postmark:manuallydeactivated": SOFT, "postmark:dmarcpolicy": SOFT,
    "mandrill:hard_bounce": HARD, "mandrill:hard-bounce": HARD, "mandrill:soft_bounce": SOFT, "mandrill:soft-bounce": SOFT, "mandrill:spam": COMPLAINT,
    "mandrill:unsub": UNSUBSCRIBE,
    "sendgrid:bounce": HARD, "sendgrid:blocked": SOFT, "sendgrid:expired": SOFT, "sendgrid:spam reporting address": COMPLAINT,
    "unisender_go:hard_bounced": HARD, "unisender_go:soft_bounced": SOFT,
    "mailersend:activity.hard_bounced": HARD, "mailersend:activity.soft_bounced": SOFT,
    "mailtrap:bounce": HARD, "mailtrap:soft bounce": SOFT,
}  # fmt: skip
# of SparkPost's classes of bounces those that do not pass by themselves
_SPARKPOST_HARD = {"10", "30", "90"}


def _bounce(provider: str, raw: Any, reject_reason: str | None, mta_response: str | None) -> str:
    """Hard or soft: by what the provider says of it, else by the server's code, else by the common reason."""
    told: Any = None
    if isinstance(raw, Mapping):
        if provider == "amazon_ses":
            told = (raw.get("bounce") or {}).get("bounceType") == "Permanent"
        elif provider == "mailjet":
            told = raw.get("hard_bounce")
        elif provider == "sparkpost":
            (event,) = (raw.get("msys") or {"": {}}).values()
            told = str(event.get("bounce_class", "")) in _SPARKPOST_HARD
        elif provider == "resend":
            bounce = (raw.get("data") or {}).get("bounce") or {}
            told = bounce["type"] == "Permanent" if bounce.get("type") else "hard bounce" in bounce.get("message", "") or "suppressed sending" in bounce.get("message", "")
    if told is None:
        told = bool(_NO_SUCH_USER.search(mta_response or "")) or reject_reason in {"bounced", "invalid", None}
    return HARD if told else SOFT
