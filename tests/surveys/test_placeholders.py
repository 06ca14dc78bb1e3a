"""The tiny language of survey texts, and the plain text of mails, over whatever anybody writes."""

import quopri

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.placeholders import PLACEHOLDERS, check_each, check_placeholders, fill, one_line, parse, unknown, used
from surveys.plain_text import quoted, wrap

# bits that texts of people, and of attackers, are made of
BITS = st.one_of(
    st.sampled_from(["{", "}", "{{", "}}", "{name}", "{name|there}", "{account}", "{nope}", "{NAME}", "{name|{csm}}", "{}", "{|}", "|", " ", ",", ".", "\n", "\r\n", "İ", "ğ", "<b>", "%s", "{0}", "{name.__class__}", "{% x %}"]),
    st.text(max_size=12),
)  # fmt: skip
TEXTS = st.lists(BITS, max_size=20).map("".join)
VALUES = st.dictionaries(st.sampled_from([*PLACEHOLDERS, "secret"]), st.one_of(TEXTS, st.text(max_size=400)))


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("Hello {name},", {"name": "Selin"}, "Hello Selin,"),
        ("Hello {name},", {}, "Hello,"),
        ("Hello {name|there},", {}, "Hello there,"),
        ("Hello { name | there },", {"name": "Selin"}, "Hello Selin,"),
        ("Sayın {name|değerli müşterimiz},", {"name": ""}, "Sayın değerli müşterimiz,"),
        ("{account} {ticket}", {"account": "{ticket}", "ticket": "7"}, "{ticket} 7"),
        ("{nope} {name}", {"name": "a\r\nBcc: b"}, "{nope} a Bcc: b"),
        ("a {csm} b", {}, "a  b"),
        ("a , b", {}, "a , b"),
        ("{ { name }", {"name": "x"}, "{ x"),
    ],
)
def test_placeholders_are_filled(text, values, filled):
    assert fill(text, values) == filled


@settings(deadline=None, max_examples=300)
@given(TEXTS, VALUES)
def test_filling_never_raises_and_never_reads_what_it_was_not_given(text, values):
    marked = {**values, "secret": "SECRET-0451"}
    made = fill(text, marked)
    assert "SECRET-0451" not in made.replace(text, "")
    allowed = set(text) | {sign for value in values.values() for sign in value} | {" "}
    assert set(made) <= allowed


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_a_text_without_known_placeholders_stays_as_it_is(text):
    if not used(text):
        assert fill(text, dict.fromkeys(PLACEHOLDERS, "X")) == text


@settings(deadline=None, max_examples=300)
@given(TEXTS, VALUES)
def test_values_are_not_read_again(text, values):
    literal = {name: "{" + name + "}{csm|x}" for name in PLACEHOLDERS}
    assert fill(text, literal).count("{csm|x}") == sum(1 for piece in parse(text) if not isinstance(piece, str)) + sum(
        piece.count("{csm|x}") for piece in parse(text) if isinstance(piece, str)
    )


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_what_passes_the_check_leaves_no_braces_that_somebody_meant(text):
    try:
        check_placeholders(text)
    except ValidationError:
        assert unknown(text)
    else:
        assert unknown(text) == []


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=400))
def test_a_value_in_one_line_has_no_line_ends_and_no_hidden_turns(value):
    made = one_line(value)
    assert len(made.splitlines()) <= 1
    assert not set(made) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x7f\x1b")
    assert one_line(made) == made


@pytest.mark.parametrize(("text", "found"), [("{{name}}", ["{name}"]), ("{Name}", ["Name"]), ("{}", ["{}"]), ("{nope|x} {0}", ["0", "nope"]), ("a { b", []), ("{name|a b}", [])])
def test_what_is_no_placeholder_is_named(text, found):
    assert unknown(text) == found


def test_an_unknown_placeholder_is_refused_with_the_place_and_the_known_ones():
    with pytest.raises(ValidationError) as refused:
        check_each([("mail_subject", "Hi {firstname}", True), ("thanks", "Thanks {name}", False), ("question", "{sender}?", True)])
    found = refused.value.message_dict
    assert set(found) == {"mail_subject", "thanks"}
    assert found["mail_subject"][0].startswith("{firstname} is no placeholder. There are: {name}, {first_name}")
    assert "{name} would be shown as it is" in found["thanks"][0]


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=500).filter(lambda text: "\r" not in text))
def test_quoted_printable_comes_back_whole_in_short_lines(text):
    made = quoted(text)
    assert made.isascii()
    assert all(len(line) < 76 for line in made.split("\r\n"))
    assert quopri.decodestring(made.encode()).decode().replace("\r\n", "\n") == text.encode("utf-8", "replace").decode()


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=500))
def test_wrapped_lines_are_short_and_no_word_is_lost(text):
    made = wrap(text)
    assert all(len(line) <= 72 or "://" in line for line in made.split("\n"))
    assert "".join(made.split()) == "".join(text.split())


def test_an_address_stays_in_one_piece():
    address = "https://surveys.example.com/s/" + "x" * 80
    assert address in wrap(f"Please open {address} today, or whenever it suits you best in the coming days.").split("\n")
