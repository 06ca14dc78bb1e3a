"""Plain text for mails: lines that no mail server breaks, and their quoted-printable form (RFC 2045, 6.7). Pure."""

from __future__ import annotations

import re

WIDTH = 72
# so that an encoded line stays under 76 signs also with a soft break behind it
_ENCODED = 74
_SIGNS = [chr(code) if code in {9, 32} or (33 <= code <= 126 and code != 61) else f"={code:02X}" for code in range(256)]
_NEEDS_CODE = re.compile(r"[^\t -<>-~]|[\t ]\Z")
SOFT_BREAK = "=\r\n"


def wrap(text: str, width: int = WIDTH) -> str:
    """Each line broken at spaces so that none is longer. A longer word is cut, but for an address: that must stay whole."""
    return "\n".join(line if len(line) <= width else _wrapped(line, width) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _wrapped(line: str, width: int) -> str:
    lines: list[str] = []
    current = ""
    for given in line.split(" "):
        word = given
        if current and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = ""
        while len(word) > width and "://" not in word:
            lines.append(word[:width])
            word = word[width:]
        current = f"{current} {word}" if current else word
    return "\n".join([*lines, current] if current else lines)


def quoted(text: str) -> str:
    """The text in quoted-printable, lines ending in CRLF; none has more than 74 signs."""
    return "\r\n".join(line if len(line) <= _ENCODED and not _NEEDS_CODE.search(line) else _quoted(line) for line in text.split("\n"))


def _quoted(line: str) -> str:
    encoded = "".join([_SIGNS[byte] for byte in line.encode("utf-8", "replace")])
    if encoded[-1:] in {" ", "\t"}:
        encoded = f"{encoded[:-1]}={ord(encoded[-1]):02X}"
    lines = []
    start, length = 0, len(encoded)
    while length - start > _ENCODED:
        end = start + _ENCODED - 1
        # never between the signs of one code
        end -= 1 if encoded[end - 1] == "=" else 2 if encoded[end - 2] == "=" else 0
        lines.append(encoded[start:end])
        start = end
    lines.append(encoded[start:])
    return SOFT_BREAK.join(lines)
