"""How the scores of a scale are offered: as numbers, faces or words, all of them or a declared few. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

NUMBERS, FACES, WORDS = "numbers", "faces", "words"
MOST_FACES = 5
# from worst to best; text, so that a mail is complete without images, and of the oldest faces there are, so that every system has them
_MAIL_FACES = ("\U0001f61e", "\U0001f615", "\U0001f610", "\U0001f60a", "\U0001f603")


@dataclass(frozen=True)
class Preset:
    """A scale that people know, ready to choose."""

    key: str
    kind: str
    name: Any
    low: int
    high: int
    look: str
    high_good: bool = True
    offered: tuple[int, ...] = ()
    low_score: int | None = None

    def fits(self, *, low: int, high: int, high_good: bool, offered: Sequence[int]) -> bool:
        """Whether a version has this scale, however it shows it."""
        return (low, high, high_good, tuple(offered)) == (self.low, self.high, self.high_good, self.offered)


PRESETS = (
    Preset("nps-0-10", "nps", _("0 to 10"), 0, 10, NUMBERS, low_score=6),
    Preset("nps-1-10", "nps", _("1 to 10"), 1, 10, NUMBERS, low_score=6),
    Preset("csat-5", "csat", _("1 to 5"), 1, 5, FACES, low_score=2),
    Preset("csat-3", "csat", _("three of five: 1, 3 and 5"), 1, 5, FACES, offered=(1, 3, 5), low_score=1),
    Preset("ces-7", "ces", _("1 to 7, 7 is easy"), 1, 7, NUMBERS, low_score=3),
    Preset("ces-7-effort", "ces", _("1 to 7, 7 is hard"), 1, 7, NUMBERS, high_good=False, low_score=5),
    Preset("ces-5", "ces", _("1 to 5, 5 is easy"), 1, 5, NUMBERS, low_score=2),
    Preset("ces-5-effort", "ces", _("1 to 5, 5 is hard"), 1, 5, NUMBERS, high_good=False, low_score=4),
    Preset("exit-5", "exit", _("1 to 5"), 1, 5, WORDS, low_score=2),
)


def presets_of(kind: str) -> tuple[Preset, ...]:
    """The scales to choose from for a kind of survey, the usual one first."""
    return tuple(preset for preset in PRESETS if preset.kind == kind)


def offered_scores(low: int, high: int, offered: Sequence[int] = ()) -> list[int]:
    """The scores to choose from, in order."""
    return sorted(score for score in set(offered) if low <= score <= high) or list(range(low, high + 1))


def look_of(kind: str, look: str, scores: Sequence[int]) -> str:
    """How the scores are shown: as chosen, else as is usual for the kind. More than five faces nobody tells apart."""
    if look == FACES and len(scores) > MOST_FACES:
        return NUMBERS
    if look in {NUMBERS, FACES, WORDS}:
        return look
    return FACES if kind == "csat" and len(scores) <= MOST_FACES else WORDS if kind == "exit" else NUMBERS


def face_of(score: int, low: int, high: int, *, high_good: bool = True) -> int:
    """Which of the five faces (1 sad to 5 glad) stands for a score of the scale."""
    place = (score - low) / (high - low) if high > low else 1.0
    return 1 + round(4 * min(1.0, max(0.0, place if high_good else 1 - place)))


def mail_face(face: int) -> str:
    """The face as a sign of text."""
    return _MAIL_FACES[min(5, max(1, face)) - 1]
