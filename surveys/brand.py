"""The colour and the logo of a survey: text that can be read on any colour, and pictures that are what they say. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

PAPER, NIGHT = "#ffffff", "#1c1b1a"
# WCAG 2.2, 1.4.3
READABLE = 4.5
MOST_BYTES = 200_000
# how large a logo is shown at most, in CSS pixels
MOST_WIDTH, MOST_HEIGHT = 200, 48


@dataclass(frozen=True)
class Picture:
    """What a file's own first bytes say about it; width and height in its own pixels."""

    media_type: str
    extension: str
    width: int
    height: int

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height to show it in: never larger than it is, its sides in proportion."""
        scale = min(1.0, MOST_WIDTH / self.width, MOST_HEIGHT / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


def _light(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, 1 to 21."""
    lights = sorted((_light(one), _light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on the colour; always 4.5:1 and more."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, colour))


@lru_cache(maxsize=256)
def readable(colour: str, background: str, at_least: float = READABLE) -> str:
    """The colour itself where it reads on the background, else the nearest mix with black or white that does."""
    towards = 0 if _light(background) > 0.18 else 255
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    for step in range(101):
        mixed = "#" + "".join(f"{round(part + (towards - part) * step / 100):02x}" for part in parts)
        if contrast(mixed, background) >= at_least:
            return mixed
    return "#000000" if towards == 0 else "#ffffff"


def read_picture(content: bytes) -> Picture:
    """What the file is. Raises ValidationError for one that is too large or none of PNG, JPEG, GIF and WebP."""
    if len(content) > MOST_BYTES:
        raise ValidationError(_("The picture has %(size)d kB; at most %(most)d kB."), code="logo", params={"size": -(-len(content) // 1000), "most": MOST_BYTES // 1000})
    found = _sniffed(content)
    if found is None or not (0 < found.width <= 10_000 and 0 < found.height <= 10_000):
        raise ValidationError(_("This is no PNG, JPEG, GIF or WebP picture."), code="logo")
    return found


def _sniffed(content: bytes) -> Picture | None:
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return Picture("image/png", "png", *struct.unpack(">II", content[16:24]))
        if content[:6] in {b"GIF87a", b"GIF89a"}:
            return Picture("image/gif", "gif", *struct.unpack("<HH", content[6:10]))
        if content.startswith(b"\xff\xd8\xff"):
            return _jpeg(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _webp(content)
    except struct.error:
        return None
    return None


def _jpeg(content: bytes) -> Picture | None:
    """Walks the segments up to the frame header, which names the size."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return Picture("image/jpeg", "jpg", width, height)
        elif 0xD0 <= marker <= 0xD9 or marker == 0x01:
            at += 2
        else:
            length = struct.unpack(">H", content[at + 2 : at + 4])[0]
            if length < 2:
                return None
            at += 2 + length
    return None


def _webp(content: bytes) -> Picture | None:
    """The three forms of the format keep the size in different places."""
    form = content[12:16]
    if form == b"VP8X" and len(content) >= 30:
        width, height = 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    elif form == b"VP8L" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    elif form == b"VP8 " and len(content) >= 30:
        width, height = (value & 0x3FFF for value in struct.unpack("<HH", content[26:30]))
    else:
        return None
    return Picture("image/webp", "webp", width, height)
