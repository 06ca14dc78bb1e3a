"""Keeping the files that come or leave with a message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from tickets.file_kinds import MOST_BYTES, MOST_BYTES_TOGETHER, MOST_FILES, clean_name, media_type_of, over_limit
from tickets.models import Attachment, AttachmentContent, TicketMessage

_MEGABYTE = 1024 * 1024


def check_files(files: Sequence[tuple[str, int]]) -> None:
    """Raises ValidationError, naming the file and the limit, where files (name, size in bytes) are too large or too many for a message."""
    found = over_limit([size for _name, size in files])
    if found is None:
        return
    place, limit = found
    name = clean_name(files[place][0])
    if limit == "size":
        raise ValidationError({"files": _("“%(name)s” is larger than %(limit)s MB.") % {"name": name, "limit": MOST_BYTES // _MEGABYTE}})
    if limit == "together":
        raise ValidationError({"files": _("With “%(name)s” the files are larger than %(limit)s MB together.") % {"name": name, "limit": MOST_BYTES_TOGETHER // _MEGABYTE}})
    raise ValidationError({"files": _("“%(name)s” is one file too many: a message takes %(limit)s.") % {"name": name, "limit": MOST_FILES}})


def keep_files(*, message: TicketMessage, files: Sequence[tuple[str, bytes]]) -> list[Attachment]:
    """Keeps files (name, bytes) with a message; what each is follows from its bytes. All are kept or none.

    What the message has already counts for its limits. Raises ValidationError, naming the file and the limit.
    """
    if not files:
        return []
    with transaction.atomic():
        there = list(message.attachments.values_list("name", "size"))
        check_files([*there, *((name, len(data)) for name, data in files)])
        made = Attachment.objects.bulk_create(
            Attachment(message=message, name=clean_name(name), media_type=media_type_of(data), size=len(data), sha256=hashlib.sha256(data).digest()) for name, data in files
        )
        AttachmentContent.objects.bulk_create(AttachmentContent(attachment=row, data=data) for row, (_name, data) in zip(made, files, strict=True))
    return made
