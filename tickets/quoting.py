"""What a mail says, apart from what its writer's program repeated of earlier mails. Pure.

Nothing is ever lost: what is not new is kept beside it. Where it is not clear (answers between the
lines of a quotation, a forwarded mail), everything counts as new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# a line is looked at only so far, a mail only for so many lines: no person writes more above a quotation
_LOOK = 400
_MOST_LINES = 5000
_MARK = re.compile(r"\s*>")
# "On 5 May 2025 at 10:00, Vefa wrote:" in the languages of common mail programs; the instant or the address must be in it
_WROTE = re.compile(
    r"(?:^|.*\s)(?:wrote|yazdı|yazdi|şunu yazdı|şunları yazdı|yazmış|schrieb|a écrit|escribió|ha scritto)\b[^:]{0,120}:\s*$|.*\byazdı\s*\([^)]{4,60}\)\s*:\s*$", re.IGNORECASE
)
_WHEN_OR_WHO = re.compile(r"\d{1,2}[:.]\d{2}|\S@\S")
_DIVIDER = re.compile(
    r"\s*-{2,}\s*(?:Original Message|Original Appointment|Özgün İleti|Özgün ileti|Orijinal İleti|Orijinal Mesaj|Asıl İleti|Ursprüngliche Nachricht|Message d'origine)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:-{2,}\s*(?:Forwarded message|İletilen ileti|İletilen mesaj|Yönlendirilen ileti|Yönlendirilmiş ileti)\s*-{2,}|Begin forwarded message:|İletilen mesajın başı:)\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*[_\-=*]{10,}\s*$")
_FROM = re.compile(r"[\s*]*(?:From|Kimden|Gönderen|Von|De)\s*:\*?\s*\S", re.IGNORECASE)
_SENT = re.compile(r"[\s*]*(?:Sent|Date|Gönderilen|Gönderildi|Gönderilme|Gönderme tarihi|Gönderim tarihi|Tarih|Gesendet|Datum|Envoyé)\s*:", re.IGNORECASE)
_TO = re.compile(r"[\s*]*(?:To|Subject|Cc|Kime|Konu|Bilgi|Alıcı|An|Betreff|À|Objet)\s*:", re.IGNORECASE)
_PHONE = re.compile(
    r"\s*(?:Sent from (?:my|Mail|Outlook|Yahoo|Samsung|AOL|Proton)\b.{0,60}|Get Outlook for .{1,60}|Sent via .{1,40}"
    r"|.{1,30}(?:['’]?[uüıi]mdan|['’]?[uüıi]mden|['’]?[dt][ae]n|cihazımdan|telefonumdan)\s+gönderildi\.?|.{1,40}uygulamasından gönderildi\.?"
    r"|(?:iOS|Android) için Outlook.{0,60}(?:edinin|yükleyin|indirin).{0,60}|.{1,30} için Outlook['’]u edinin.{0,60})\s*$",
    re.IGNORECASE,
)  # fmt: skip
# a signature is short; what is longer is text
_SIGNATURE_LINES = 12
# lines from this length on are wrapped on the way
_WRAPPED = 60
_SIGNATURE = re.compile(r"-- ?\s*$")


@dataclass(frozen=True)
class Split:
    """The new text and the quoted one; together they hold every line of the mail."""

    new: str
    quoted: str


def split(text: str) -> Split:
    """Takes a mail's text apart. The new text is never empty unless the mail is: a mail of nothing but a quotation is new as a whole."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    begin, end = _quotation(lines)
    if end == len(lines):
        begin = _before_signature(lines, begin)
    new = _joined([*lines[:begin], *lines[end:]])
    return Split(new, _joined(lines[begin:end])) if new else Split(_joined(lines), "")


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()


def _quotation(lines: list[str]) -> tuple[int, int]:
    """Where the quotation begins and where it ends (behind its last line); both at the end where there is none."""
    for at, line in enumerate(lines[:_MOST_LINES]):
        if not line.strip() or _MARK.match(line):
            continue
        if _FORWARDED.match(line[:_LOOK]):
            return _last_block(lines)
        if _DIVIDER.match(line[:_LOOK]) or _is_header_block(lines, at):
            return _above_rule(lines, at), len(lines)
        if height := _attribution(lines, at):
            following = next((number for number in range(at + height, len(lines)) if lines[number].strip()), None)
            if following is None or not _MARK.match(lines[following]):
                return at, len(lines)
            begin, end = _block(lines)
            return (at, end) if begin == following else (begin, end)
    return _block(lines)


def _attribution(lines: list[str], at: int) -> int:
    """How many lines (1 to 3: programs wrap them) tell who wrote when, beginning here; 0 for none."""
    said = ""
    for height in range(1, 4):
        if at + height > len(lines) or not lines[at + height - 1].strip() or _MARK.match(lines[at + height - 1]):
            return 0
        said = f"{said} {lines[at + height - 1].strip()}".strip()
        if len(said) > _LOOK:
            return 0
        if said.endswith(":") and _WROTE.match(said) and _WHEN_OR_WHO.search(said):
            return height
    return 0


def _block(lines: list[str]) -> tuple[int, int]:
    """The one block of ">" lines. Where answers stand between the lines there are several: then only one that ends the mail."""
    marked = [number for number in range(len(lines)) if _MARK.match(lines[number])]
    if not marked:
        return len(lines), len(lines)
    first, last = marked[0], marked[-1]
    for number in range(first, last):
        if lines[number].strip() and not _MARK.match(lines[number]) and not _is_overhang(lines, number):
            return _last_block(lines)
    return first, last + 1 if any(line.strip() for line in lines[last + 1 :]) else len(lines)


def _is_overhang(lines: list[str], at: int) -> bool:
    """Whether a line is the end of a quoted one that was too long for its program."""
    return bool(_MARK.match(lines[at - 1]) and _MARK.match(lines[at + 1]) and len(lines[at - 1]) >= _WRAPPED > len(lines[at]))


def _last_block(lines: list[str]) -> tuple[int, int]:
    """The block of ">" lines at the very end; both at the end where something else stands there."""
    begin = len(lines)
    for number in range(len(lines) - 1, -1, -1):
        if _MARK.match(lines[number]):
            begin = number
        elif lines[number].strip():
            break
    return begin, len(lines)


def _is_header_block(lines: list[str], at: int) -> bool:
    """Whether the heads of an earlier mail begin here: who, when, and to whom or about what, in few lines."""
    if not _FROM.match(lines[at][:_LOOK]):
        return False
    following = [line[:_LOOK] for line in lines[at + 1 : at + 8]]
    return any(_SENT.match(line) for line in following) and any(_TO.match(line) for line in following)


def _above_rule(lines: list[str], at: int) -> int:
    """The place of a rule that stands right above, or of the line itself."""
    above = next((number for number in range(at - 1, max(at - 3, -1), -1) if lines[number].strip()), None)
    return above if above is not None and _RULE.match(lines[above]) else at


def _before_signature(lines: list[str], begin: int) -> int:
    """The place before the signature that ends the new text (of a phone, or behind `--`), where something is left above it."""
    last = next((number for number in range(begin - 1, -1, -1) if lines[number].strip()), -1)
    found = begin
    if last >= 0 and _PHONE.match(lines[last][:_LOOK]):
        found = last
    for number in range(max(last - _SIGNATURE_LINES, 0), last + 1):
        if _SIGNATURE.fullmatch(lines[number]):
            found = min(found, number)
            break
    return found if any(line.strip() for line in lines[:found]) else begin
