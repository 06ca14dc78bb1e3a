"""Files of messages: kept whole, named harmlessly, typed by their bytes, refused by name and limit."""

import datetime as dt
import hashlib

import pytest
from django.core.exceptions import ValidationError

from tickets.actions import tickets
from tickets.actions.attachments import keep_files
from tickets.file_kinds import clean_name, media_type_of
from tickets.models import Attachment, AttachmentContent

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
MB = 1024 * 1024


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("fatura.pdf", "fatura.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ayşe\\çizelge.xlsx", "çizelge.xlsx"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("two\r\nlines: x.txt", "twolines_ x.txt"),
        ("\x00\u200b", "file"),
        ("...", "file"),
        ("dir/", "dir"),
        ("half \ud800 letter.txt", "half letter.txt"),
        ("a" * 300 + ".pdf", "a" * 196 + ".pdf"),
        ("b" * 300, "b" * 200),
    ],
)
def test_names_are_cleaned(sent, kept):
    assert clean_name(sent) == kept


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"PK\x03\x04....word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04....readme", "application/zip"),
        (b"<html><script>alert(1)</script>", "text/plain"),
        ("merhaba dünya\n".encode(), "text/plain"),
        (b"\xff\xfe\x00\x01", "application/octet-stream"),
        (b"MZ\x90\x00\x03", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_types_follow_from_the_bytes(data, kind):
    assert media_type_of(data) == kind


@pytest.fixture
def message(cast):
    ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Rota", contact_id=cast.selin.pk, body="ekte", now=NOW)[0]
    return ticket.messages.get()


@pytest.mark.django_db
def test_files_are_kept_with_their_bytes(message):
    [row, empty] = keep_files(message=message, files=[("../ekran.png", b"\x89PNG\r\n\x1a\nabc"), ("boş.txt", b"")])
    assert (row.name, row.media_type, row.size, bytes(row.sha256)) == ("ekran.png", "image/png", 11, hashlib.sha256(b"\x89PNG\r\n\x1a\nabc").digest())
    assert bytes(AttachmentContent.objects.get(attachment=row).data) == b"\x89PNG\r\n\x1a\nabc"
    assert empty.size == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("a.txt", b"x"), ("big.bin", b"x" * (10 * MB + 1))], "“big.bin” is larger than 10 MB."),
        ([("1.bin", b"x" * 10 * MB), ("2.bin", b"x" * 10 * MB), ("3.bin", b"x")], "With “3.bin” the files are larger than 20 MB together."),
        ([(f"{number}.txt", b"x") for number in range(21)], "“20.txt” is one file too many: a message takes 20."),
    ],
)
def test_too_much_is_refused_by_name_and_nothing_is_kept(message, files, said):
    with pytest.raises(ValidationError) as refusal:
        keep_files(message=message, files=files)
    assert refusal.value.message_dict == {"files": [said]}
    assert not Attachment.objects.exists()


@pytest.mark.django_db
def test_what_a_message_has_counts_for_its_limits(message):
    keep_files(message=message, files=[(f"{number}.txt", b"x") for number in range(20)])
    with pytest.raises(ValidationError, match="one file too many"):
        keep_files(message=message, files=[("last.txt", b"x")])
    assert Attachment.objects.count() == 20
