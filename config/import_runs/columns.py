"""From the columns of a foreign file to ours: the kind it looks like, what each column is, and the map that says so.

A draft is what the page shows and takes back; `as_map` gives the options of a map as `manage.py load --map` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from accounts.collation import search_key
from accounts.importing.field_types import Day, Instant, Number, Whole
from accounts.importing.kinds import Kind
from config.import_runs import sniffing

# attributes under the name of their column, by type
OWN = {"=text": "text", "=number": "number", "=boolean": "boolean"}
CONSTANTS = 3
# names that other systems use for ours, folded; what a kind does not have is passed over
_WORDS: dict[str, tuple[str, ...]] = {
    ours: tuple(words.split())
    for ours, words in {
        "external_id": "id key number no kod numara ticket_id ticket_no order_id invoice_id subscription_id contact_id transaction_id musteri_no musteri_kodu customer_id "
        "account_id company_id kayit_no",
        "account": "customer_id account_id company_id organization_id organisation_id musteri_no musteri_kodu customer company musteri firma account_external_id",
        "name": "company_name account_name customer_name company customer full_name unvan firma firma_adi musteri_adi musteri ad adi ad_soyad isim",
        "email": "e_mail mail email_address e_posta eposta",
        "contact_email": "email e_mail requester_email customer_email e_posta eposta",
        "owner_email": "owner csm csm_email account_manager sorumlu temsilci",
        "assignee_email": "assignee agent agent_email temsilci",
        "job_title": "title position gorev", "domain": "website web web_sitesi", "industry": "sector sektor", "country": "country_code ulke", "language": "locale dil",
        "currency": "para_birimi doviz", "plan": "package paket tarife", "segment": "tier segmenti", "tags": "labels etiketler", "amount": "value total price tutar fiyat",
        "start": "start_date started_at from baslangic baslangic_tarihi", "end": "end_date ended_at until bitis bitis_tarihi", "day": "date tarih gun",
        "occurred_at": "date created_at created paid_at tarih", "opened_at": "created_at created opened acilis acilis_tarihi", "solved_at": "resolved_at cozum_tarihi",
        "closed_at": "kapanis_tarihi", "signed_up_at": "signup_date created_at customer_since kayit_tarihi", "subject": "title konu", "severity": "priority oncelik",
        "status": "state durum", "feature": "event ozellik", "count": "events uses adet", "quantity": "seats adet koltuk", "score": "rating puan",
        "comment": "feedback yorum", "answered_at": "responded_at cevap_tarihi", "rate": "kur", "category": "kategori", "product": "urun", "interval": "billing_period donem",
    }.items()
}  # fmt: skip


def folded(name: str) -> str:
    """A name of a column without case, accents and signs: `Müşteri No` is `musteri_no`."""
    return re.sub(r"[^a-z0-9]+", "_", search_key(name)).strip("_")


def suggested(kind: Kind, header: Sequence[str]) -> dict[str, str]:
    """Their column -> ours: by the very name, else by the folded one, else by a word of other systems; each of ours once."""
    names = [column.name for column in kind.columns]
    found = {name: name for name in header if name in names}
    for fits in (lambda ours, theirs: ours == theirs, lambda ours, theirs: theirs in _WORDS.get(ours, ())):
        for ours in names:
            if ours in found.values():
                continue
            theirs = next((name for name in header if name not in found and fits(ours, folded(name))), None)
            if theirs is not None:
                found[theirs] = ours
    return found


def kind_like(header: Sequence[str], kinds: Mapping[str, Kind]) -> str:
    """The kind whose columns a header looks most like: all it requires, and the most of the file's columns; empty where two are as like."""
    best: list[tuple[int, str]] = []
    for name, kind in kinds.items():
        mine = suggested(kind, header)
        if {column.name for column in kind.columns if column.required} <= set(mine.values()):
            # columns by their very name count more than those of other systems
            best.append((sum(3 if theirs == ours else 1 for theirs, ours in mine.items()), name))
    best.sort(reverse=True)
    return best[0][1] if best and (len(best) == 1 or best[0][0] > best[1][0]) else ""


@dataclass
class Draft:
    """What the page knows of one file: how it is written, what its columns are. `faults` by the name of the input."""

    kind: Kind
    encoding: str = "utf-8"
    delimiter: str = ","
    numbers: str = ""
    # by the position of their column: ours, an own attribute (`=text`), or empty for left out
    targets: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)
    constants: list[tuple[str, str]] = field(default_factory=list)
    combine: bool = False
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)

    # ── from and to a map ────────────────────────────────────────────────────

    @classmethod
    def of_map(cls, *, kind: Kind, given: Mapping[str, Any], head: bytes) -> Draft:
        """The draft that a stored map describes; columns that it does not know are suggested where it names none at all."""
        encoding = str(given.get("encoding", "utf-8"))
        text = sniffing.decoded(head, encoding)
        delimiter = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(str(given.get("delimiter", "")), str(given.get("delimiter") or sniffing.delimiter_of(text)))
        header, rows = sniffing.sample(text, delimiter)
        draft = cls(kind=kind, encoding=encoding, delimiter=delimiter, header=header, rows=rows)
        if "decimal" in given or "thousands" in given:
            draft.numbers = str(given.get("decimal", ".")) + str(given.get("thousands", ""))
        if "columns" in given:
            ours = {str(theirs): str(name) for name, theirs in given["columns"].items()}
            types = given.get("attribute_types", {})
            draft.targets = [_target(ours.get(name, ""), name, types) for name in header]
            dates = {ours[theirs]: theirs for theirs in ours}
            draft.days = [next((_first(form) for name, form in given.get("date_formats", {}).items() if dates.get(name) == theirs), "") for theirs in header]
        else:
            mine = suggested(kind, header)
            draft.targets = [mine.get(name, "=text" if kind.keeps_unknown else "") for name in header]
            draft.days = [""] * len(header)
        draft.constants = [(str(name), str(value)) for name, value in given.get("constants", {}).items()][:CONSTANTS]
        draft.combine = given.get("combine") == "sum"
        if draft._numbers() == (draft.numbers, True):
            # found, not chosen: another column may still ask
            draft.numbers = ""
        return draft

    @classmethod
    def of_post(cls, *, kind: Kind, post: Mapping[str, str], head: bytes, before: Draft) -> Draft:
        """The draft that a form sends. Another encoding or delimiter reads the header anew, another kind suggests anew."""
        encoding = post.get("encoding", "") if post.get("encoding") in sniffing.ENCODINGS else before.encoding
        delimiter = {"tab": "\t"}.get(post.get("delimiter", ""), post.get("delimiter", ""))
        delimiter = delimiter if delimiter in sniffing.DELIMITERS else before.delimiter
        if (kind, encoding, delimiter) != (before.kind, before.encoding, before.delimiter):
            return cls.of_map(kind=kind, given={"encoding": encoding, "delimiter": delimiter}, head=head)
        allowed = {"", *(column.name for column in kind.columns), *(OWN if kind.keeps_unknown else ())}
        draft = cls(kind=kind, encoding=encoding, delimiter=delimiter, header=before.header, rows=before.rows)
        # what the page found by itself and showed is no choice: another column may write its numbers in a way that has to be asked
        chosen = post.get("numbers", "")
        draft.numbers = chosen if chosen in sniffing.NUMBERS and chosen != post.get("numbers_found") else ""
        draft.targets = [target if (target := post.get(f"c{place}", "")) in allowed else "" for place in range(len(draft.header))]
        draft.days = [form if (form := post.get(f"d{place}", "")) in ("iso", *sniffing.DAYS) else "" for place in range(len(draft.header))]
        pairs = ((post.get(f"n{number}", ""), post.get(f"v{number}", "").strip()[:200]) for number in range(CONSTANTS))
        draft.constants = [(name, value) for name, value in pairs if name in kind.names or value]
        draft.combine = bool(kind.summed) and post.get("combine") == "on"
        return draft

    def as_map(self) -> dict[str, Any]:
        """The options of a map. A file that is ours already needs none."""
        columns, types, dates = {}, {}, {}
        for place, name in enumerate(self.header):
            target = self.targets[place]
            if target in OWN:
                columns[f"attributes.{name}"], types[name] = name, OWN[target]
            elif target:
                columns[target] = name
                if (form := self.day_format(place)) not in {"", "iso"}:
                    dates[target] = [form + time for time in sniffing.TIMES]
        plain = all(target in {name, "=text"} for target, name in zip(self.targets, self.header, strict=True)) and (self.encoding, self.delimiter) == ("utf-8", ",")
        if plain and not (dates or self.constants or self.combine) and self.number_form() == ".":
            return {}
        found: dict[str, Any] = {"encoding": self.encoding, "delimiter": self.delimiter, "by_name": False, "others": "ignore", "columns": columns}
        form = self.number_form()
        found |= {"decimal": form[:1] or ".", "thousands": form[1:]} if form else {}
        found |= {"attribute_types": types} if types else {}
        found |= {"date_formats": dates} if dates else {}
        found |= {"constants": dict(self.constants)} if self.constants else {}
        found |= {"combine": "sum"} if self.combine else {}
        return found

    # ── what the columns hold ────────────────────────────────────────────────

    def _type(self, place: int) -> object:
        return next((column.type for column in self.kind.columns if column.name == self.targets[place]), None)

    def holds_days(self, place: int) -> bool:
        """Whether a column is to become a day or an instant."""
        return isinstance(self._type(place), Day | Instant)

    def day_choices(self, place: int) -> tuple[str, ...]:
        """The formats that fit the first rows of a column."""
        return sniffing.days_of(sniffing.column(self.rows, place)) if self.holds_days(place) else ()

    def day_format(self, place: int) -> str:
        """The chosen format of a column, else the only one that fits; empty where it is to be asked, `iso` for ISO 8601."""
        if not self.holds_days(place):
            return ""
        choices = ["iso" if form == "" else form for form in self.day_choices(place)]
        if self.days[place] in choices:
            return self.days[place]
        return "iso" if "iso" in choices else choices[0] if len(choices) == 1 else ""

    def _numbers(self) -> tuple[str, bool]:
        places = [place for place in range(len(self.header)) if isinstance(self._type(place), Number | Whole) or self.targets[place] == "=number"]
        return sniffing.numbers_of(cell for place in places for cell in sniffing.column(self.rows, place))

    def number_form(self) -> str:
        """The chosen way of writing numbers, else the only one that fits; empty where it is to be asked."""
        if self.numbers:
            return self.numbers
        form, certain = self._numbers()
        return form if certain else ""

    @property
    def letters_doubtful(self) -> bool:
        """Whether only a person can tell that the letters are right: every byte is a letter in these encodings."""
        return self.encoding not in {"utf-8", "utf-16"}

    def check(self, *, letters_seen: bool) -> bool:
        """Whether it can be loaded like this; `faults` says what is missing, by the name of the input."""
        self.faults = {}
        taken: dict[str, int] = {}
        for place, target in enumerate(self.targets):
            if target and target not in OWN:
                if target in taken:
                    self.faults[f"c{place}"] = _("“%(theirs)s” is this already.") % {"theirs": self.header[taken[target]]}
                taken.setdefault(target, place)
            if self.holds_days(place) and not self.day_format(place):
                self.faults[f"d{place}"] = _("Say how the days are written.") if self.day_choices(place) else _("None of the known ways of writing days fits all of these.")
        given = set(taken)
        for number, (name, value) in enumerate(self.constants):
            if not name or not value:
                self.faults[f"n{number}"] = _("Choose the column and type its value.")
            elif name in given:
                self.faults[f"n{number}"] = _("A column of the file is this already.")
            given.add(name)
        missing = [column.name for column in self.kind.columns if column.required and column.name not in given]
        if not self.header:
            self.faults["delimiter"] = _("The first line must name the columns.")
        elif missing:
            self.faults["columns"] = _("Still missing: %(names)s. Say which column it is, or give one value for every row.") % {"names": ", ".join(missing)}
        if not self.number_form():
            self.faults["numbers"] = _("These numbers can be read in two ways: say which sign separates decimals.")
        if self.letters_doubtful and not letters_seen:
            self.faults["letters"] = _("Look at the letters below, and tick the box if they are right.")
        return not self.faults


def _first(form: Any) -> str:
    return str(form[0] if isinstance(form, list) and form else form)


def _target(ours: str, theirs: str, types: Mapping[str, str]) -> str:
    return f"={types.get(theirs, 'text')}" if ours.startswith("attributes.") else ours
