"""What is new in a mail and what is quoted, as mail programs in English and Turkish write it; nothing is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.quoting import split

NEW = "Teşekkürler, oldu.\n\nSelin"
QUOTED = {
    "gmail, English": "On Mon, 5 May 2025 at 10:00, Vefa <support+t7-abc@vefa.test> wrote:\n\n> Merhaba,\n> deneyin.",
    "gmail, wrapped": "On Mon, May 5, 2025 at 10:00 AM Vefa Destek <\nsupport+t7-abcdefghijkl@vefa.test> wrote:\n\n> Merhaba,\n>\n> deneyin.",
    "gmail, Turkish": "Vefa Destek <destek@vefa.test>, 5 May 2025 Pzt, 10:00 tarihinde şunu yazdı:\n\n> Merhaba,\n> deneyin.",
    "gmail, Turkish, wrapped": "Vefa Destek <support+t7-abcdefghijkl@vefa.test>, 5 May 2025 Pzt, 10:00\ntarihinde şunu yazdı:\n\n> Merhaba",
    "apple, English": "> On 5 May 2025, at 10:00, Vefa <destek@vefa.test> wrote:\n> \n> Merhaba",
    "apple, Turkish": "Vefa Destek <destek@vefa.test> şunları yazdı (5 May 2025 10:00):\n\nMerhaba,\ndeneyin.",
    "thunderbird, Turkish": "5.05.2025 10:00 tarihinde Vefa Destek yazdı:\n> Merhaba",
    "yahoo, Turkish": "5 Mayıs 2025 Pazartesi 10:00:00 GMT+3 tarihinde, Vefa <destek@vefa.test> şunu yazdı:\n\nMerhaba",
    "outlook, English": "________________________________\nFrom: Vefa <destek@vefa.test>\nSent: Monday, May 5, 2025 10:00 AM\nTo: Selin\nSubject: Re: Rota [#7]\n\nMerhaba",
    "outlook, Turkish": "Kimden: Vefa <destek@vefa.test>\nGönderilen: 5 Mayıs 2025 Pazartesi 10:00\nKime: Selin\nKonu: Re: Rota [#7]\n\nMerhaba",
    "outlook, Turkish, stars": "*Gönderen:* Vefa <destek@vefa.test>\n*Tarih:* 5 Mayıs 2025 10:00\n*Kime:* Selin\n*Konu:* Rota\n\nMerhaba",
    "outlook, old": "-----Original Message-----\nFrom: Vefa\nSent: 5 May\n\nMerhaba",
    "outlook, old, Turkish": "-----Özgün İleti-----\nKimden: Vefa\n\nMerhaba",
    "marks alone": "> Merhaba,\n> deneyin.",
    "phone": "Sent from my iPhone\n\nOn 5 May 2025, at 10:00, Vefa <destek@vefa.test> wrote:\n\n> Merhaba",
    "phone, Turkish": "iPhone’umdan gönderildi\n\nVefa <destek@vefa.test> şunları yazdı (5 May 2025 10:00):\n\n> Merhaba",
    "phone alone": "Outlook for iOS uygulamasından gönderildi",
    "signature": "-- \nSelin Aydın\nBoğaziçi Lojistik",
}


@pytest.mark.parametrize("program", QUOTED)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_reply_above_is_the_new_text(program, ends):
    found = split(f"{NEW}\n\n{QUOTED[program]}\n".replace("\n", ends))
    assert (found.new, found.quoted) == (NEW, QUOTED[program].rstrip())


def test_a_reply_below_is_the_new_text():
    found = split(f"5.05.2025 10:00 tarihinde Vefa yazdı:\n> Merhaba,\n> deneyin.\n\n{NEW}\n")
    assert (found.new, found.quoted) == (f"\n{NEW}".strip("\n"), "5.05.2025 10:00 tarihinde Vefa yazdı:\n> Merhaba,\n> deneyin.")


@pytest.mark.parametrize(
    "text",
    [
        # answers between the lines
        "On 5 May 2025 at 10:00, Vefa <d@v.test> wrote:\n> Hangi sürüm?\n4.2\n> Ne zaman?\nDün",
        # nothing but a quotation
        "On 5 May 2025 at 10:00, Vefa <d@v.test> wrote:\n> Merhaba",
        "> Merhaba",
        "Sent from my iPhone",
        # what is forwarded is what the mail is about
        "Bakar mısınız?\n\n---------- Forwarded message ---------\nFrom: Ali <ali@x.test>\nDate: 5 May 2025\nSubject: Hata\nTo: Selin\n\nÇalışmıyor",
        # words that only look alike
        "As I wrote:\nit does not work",
        "Kimden: depo müdürü\ngelen listeyi gönderiyorum",
        "Dün yazdı: tamam",
        "a > b\nve c",
        "iki satır\n-- arada tire\nson",
    ],
)
def test_where_it_is_not_clear_everything_is_new(text):
    assert split(text) == type(split(text))(text, "")


def test_a_last_block_is_folded_though_answers_stand_between_lines():
    found = split("> Hangi sürüm?\n4.2\n> Ne zaman?\nDün\n\n> İyi günler\n> Vefa")
    assert (found.new, found.quoted) == ("> Hangi sürüm?\n4.2\n> Ne zaman?\nDün", "> İyi günler\n> Vefa")


def test_a_wrapped_quotation_is_one():
    long = "> " + "uzun bir satır " * 5
    found = split(f"{NEW}\n\n{long}\nson kelime\n> bitti")
    assert found.new == NEW


PIECES = st.sampled_from([*NEW.split("\n"), *(line for block in QUOTED.values() for line in block.split("\n")), "", "> x", "metin", "-- "])


@given(st.lists(PIECES, max_size=25))
def test_every_line_is_in_one_of_both(lines):
    text = "\n".join(lines)
    found = split(text)
    kept = sorted(line.rstrip() for part in (found.new, found.quoted) for line in part.split("\n") if line.strip())
    assert kept == sorted(line.rstrip() for line in lines if line.strip())
    assert found.new or not text.strip()


def test_ten_megabytes_of_anything_take_no_long_time():
    for text in ("> " * 5_000_000, "a:\n" * 1_000_000, "wrote " * 1_500_000 + ":", "Kimden: x\n" * 300_000):
        assert split(text).new
