"""What a survey speaks of, in words. Pure."""

from __future__ import annotations

# in the form its sentences need: after "with", in Turkish the ablative
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
