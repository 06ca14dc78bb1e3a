"""The answer that hands out a file of a message: always a download, under a type that no browser runs."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

# types that may be named as they are; everything else is a row of bytes
SAFE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"})


def download(*, name: str, media_type: str, data: bytes) -> HttpResponse:
    """The file as an attachment under its name (RFC 5987 for letters beyond ASCII); the browser neither guesses a type nor runs anything."""
    kind = media_type if media_type in SAFE_TYPES else "application/octet-stream"
    response = HttpResponse(data, content_type="text/plain; charset=utf-8" if kind == "text/plain" else kind)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


# what runs or hides something when it is opened, by the ending of its name
_RUNS = frozenset(
    "apk app bat chm cmd com cpl dll dmg docm dotm exe hta htm html img iso jar js jse lnk mht msc msi pif "
    "pkg potm ppam pptm ps1 py reg scr sh svg url vbe vbs wsf xhtml xlam xlsm xltm".split()
)
# endings whose bytes are known; a name that says something else lies
_LOOKS = {
    "pdf": {"application/pdf"}, "png": {"image/png"}, "jpg": {"image/jpeg"}, "jpeg": {"image/jpeg"}, "gif": {"image/gif"}, "webp": {"image/webp"},
    "txt": {"text/plain"}, "csv": {"text/plain"},
}  # fmt: skip
_ICONS = {"image": "file-image", "video": "film", "audio": "file-audio", "text": "file-text"}
_ICONS_BY_TYPE = {"application/pdf": "file-text", "application/zip": "file-archive", "application/gzip": "file-archive", "application/x-7z-compressed": "file-archive"}


def risk_of(name: str, media_type: str) -> str:
    """Why a file should be opened with care: `runs` (a program, a page, macros), `lies` (its bytes are not what its name says), or nothing."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending in _RUNS:
        return "runs"
    return "lies" if ending in _LOOKS and media_type not in _LOOKS[ending] else ""


def icon_of(media_type: str) -> str:
    """The name of the sign for a kind of file."""
    if "spreadsheet" in media_type:
        return "file-spreadsheet"
    return _ICONS_BY_TYPE.get(media_type) or _ICONS.get(media_type.partition("/")[0], "file")
