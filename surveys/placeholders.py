"""The closed set of placeholders in survey texts, and how they are filled. Pure.

A text is never a template: braces that are not in the set stay as they are, so that no text of a
survey can read anything it was not given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDERS = ("sender", "name", "account", "occasion", "ticket")
_BRACES = re.compile(r"\{([a-z_]+)\}")

# what a survey speaks of, in the form its sentences need: after "with", in Turkish the ablative
_OCCASIONS: dict[str, dict[str, str]] = {
    "en": {
        "": "our service", "onboarding.completed": "getting started", "trial.ended": "your trial",
        "purchase.completed": "your purchase", "ticket.solved": "the help you got from us",
    },
    "tr": {
        "": "hizmetimizden", "onboarding.completed": "başlangıç sürecinizden", "trial.ended": "deneme sürenizden",
        "purchase.completed": "alışverişinizden", "ticket.solved": "aldığınız destekten",
    },
}  # fmt: skip


def occasion(language: str, event_kind: str) -> str:
    """The words for what a survey after this kind of event speaks of; English for other languages."""
    words = _OCCASIONS.get(language.split("-")[0], _OCCASIONS["en"])
    return words.get(event_kind, words[""])


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced; a missing value becomes nothing, and the gap before a sign closes."""
    filled = _BRACES.sub(lambda match: values.get(match[1], "") if match[1] in PLACEHOLDERS else match[0], text)
    return re.sub(r" +([,.!?])", r"\1", filled)


def unknown(text: str) -> list[str]:
    """Names in braces that nobody would fill."""
    return sorted({name for name in _BRACES.findall(text) if name not in PLACEHOLDERS})
