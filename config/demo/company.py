"""What happened at every customer of the demo: a small simulation, deterministic per seed and day. Pure."""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass, field

from config.demo import people, words

PLANS = (("Start", 19, (3, 14)), ("Fleet", 32, (12, 70)), ("Fleet Pro", 49, (60, 240)))
BAD_RELEASE_MONTH = 14
BAD_RELEASE_DAYS = 24
CHURN_REASONS = {
    "speed": "product",
    "support": "support",
    "price": "price",
    "feature": "missing_feature",
    "champion": "champion_left",
    "payment": "payment",
    "closed": "out_of_business",
}


@dataclass
class Term:
    """Constant terms from one day to another (exclusive; None: still)."""

    start: dt.date
    end: dt.date | None
    plan: str
    seats: int
    price: int
    yearly: bool


@dataclass
class Customer:
    """One customer's story."""

    number: int
    name: str
    language: str
    country: str
    zone: str
    industry: str
    currency: str
    owner: str
    segment: str
    potential: int
    signed_up: dt.date
    trial_until: dt.date
    onboarded: dt.date | None
    quality: float
    pain: str
    champion_left: dt.date | None
    trouble_from: dt.date | None
    churned: dt.date | None
    churn_reason: str
    terms: list[Term] = field(default_factory=list)
    contacts: list[dict[str, str]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The external id."""
        return f"kervan-{self.number:04d}"

    def seats_on(self, day: dt.date) -> int:
        """Seats in force on a day, 0 without service."""
        return next((term.seats for term in self.terms if term.start <= day and (term.end is None or term.end > day)), 0)


@dataclass
class Company:
    """All customers, and the days that matter to everybody."""

    today: dt.date
    first_day: dt.date
    bad_release: dt.date
    customers: list[Customer]

    def mood(self, customer: Customer, day: dt.date) -> float:
        """How well the product serves a customer on a day, about 0 to 1: quality, the bad release, a lost champion."""
        mood = customer.quality
        since = (day - self.bad_release).days
        if 0 <= since < BAD_RELEASE_DAYS * 2:
            mood -= 0.35 * (1 - since / (BAD_RELEASE_DAYS * 2)) * (1.4 if customer.pain == "speed" else 0.8)
        if customer.champion_left and day >= customer.champion_left:
            mood -= 0.3
        if customer.trouble_from and day >= customer.trouble_from:
            # something broke between us lately, and it gets worse week by week
            mood -= min(0.3 + 0.012 * (day - customer.trouble_from).days, 0.62)
        if customer.churned:
            mood -= 0.35 * max(0.0, 1 - (customer.churned - day).days / 90)
        return min(max(mood, 0.02), 0.98)

    def season(self, customer: Customer, day: dt.date) -> float:
        """Work of the trade: no Sundays, half Saturdays, quiet August in Türkiye, a peak before the new year."""
        weekday = (1.0, 1.05, 1.05, 1.0, 0.95, 0.45, 0.0)[day.weekday()]
        yearly = 1 + 0.12 * math.sin((day.timetuple().tm_yday - 250) / 365 * 2 * math.pi)
        if day.month == 8 and customer.language == "tr":
            yearly -= 0.15
        if day.month == 12 and day.day < 24:
            yearly += 0.2
        return weekday * yearly


def months_later(day: dt.date, months: int) -> dt.date:
    """The first of the month that is `months` after the month of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def make_company(*, accounts: int, months: int, seed: int, today: dt.date) -> Company:
    """Simulates the company; the same arguments give the same company."""
    dice = random.Random(f"kervan {seed} {accounts} {months}")
    first = months_later(today, -months)
    release_month = min(BAD_RELEASE_MONTH, max(months - 4, 1))
    company = Company(today=today, first_day=first, bad_release=months_later(first, release_month) + dt.timedelta(days=5), customers=[])
    names = _names(dice, accounts)
    for number in range(1, accounts + 1):
        company.customers.append(_customer(dice, company, number, *names[number - 1], months))
    return company


def _names(dice: random.Random, count: int) -> list[tuple[str, str]]:
    """(name, language), all different."""
    pool = [(f"{root} {kind}", language) for language, (roots, kinds) in words.COMPANIES.items() for root in roots for kind in kinds]
    dice.shuffle(pool)
    return [(name if turn == 0 else f"{name} {turn + 1}", language) for turn in range(count // len(pool) + 1) for name, language in pool][:count]


def _customer(dice: random.Random, company: Company, number: int, name: str, language: str, months: int) -> Customer:
    country, zone = dice.choice(words.PLACES[language])
    plan = dice.choices((0, 1, 2), weights=(45, 40, 15))[0]
    seats = int(dice.triangular(*PLANS[plan][2], PLANS[plan][2][0] * 1.4))
    # a third was there before the two years begin; the others joined over them, more of them later
    before = dice.random() < 0.35
    span = (company.today - company.first_day).days
    signed_up = company.first_day - dt.timedelta(days=dice.randint(30, 700)) if before else company.first_day + dt.timedelta(days=int(span * dice.random() ** 0.8))
    signed_up = min(signed_up, company.today - dt.timedelta(days=3))
    trial_until = signed_up + dt.timedelta(days=14)
    onboarded = trial_until + dt.timedelta(days=dice.randint(10, 70))
    quality = min(max(dice.betavariate(5, 2.6), 0.08), 0.97)
    pain = dice.choices(("speed", "support", "price", "feature"), weights=(35, 25, 20, 20))[0]
    champion_left = None
    if dice.random() < 0.13:
        champion_left = company.first_day + dt.timedelta(days=dice.randint(60, max(span - 20, 61)))
        champion_left = champion_left if champion_left > onboarded else None
    trouble_from = company.today - dt.timedelta(days=dice.randint(12, 48)) if dice.random() < 0.42 * (1.25 - quality) / 0.6 else None
    customer = Customer(
        number=number, name=name, language=language, country=country, zone=zone, industry=dice.choice(words.INDUSTRIES),
        currency="GBP" if country == "GB" else "EUR", owner=dice.choice(people.CSMS[language]), segment="", potential=0,
        signed_up=signed_up, trial_until=trial_until, onboarded=onboarded if onboarded < company.today else None,
        quality=quality, pain=pain, champion_left=champion_left, trouble_from=trouble_from, churned=None, churn_reason="",
    )  # fmt: skip
    _live(dice, company, customer, plan, seats)
    _meet(dice, customer)
    return customer


def _live(dice: random.Random, company: Company, customer: Customer, plan: int, seats: int) -> None:
    """Month after month: stays, grows, shrinks, moves up a plan, or leaves."""
    yearly = dice.random() < 0.45
    converts = dice.random() < 0.5 + 0.5 * customer.quality
    day = customer.trial_until
    if not converts and day < company.today:
        customer.churned, customer.churn_reason = day, "no_conversion"
        return
    term = Term(day, None, PLANS[plan][0], seats, PLANS[plan][1], yearly)
    while (following := months_later(day, 1)) <= company.today:
        day = following
        mood = company.mood(customer, day)
        hazard = 0.11 * (1 - mood) ** 2.2 * (0.45 if yearly else 1.2)
        if day > company.bad_release and (day - company.bad_release).days < 120 and customer.pain == "speed":
            hazard *= 2.2
        roll = dice.random()
        if roll < hazard and day > customer.trial_until + dt.timedelta(days=45):
            term.end = customer.churned = day
            customer.churn_reason = CHURN_REASONS[_cause(dice, company, customer, day)]
            break
        if roll > 1 - 0.06 * mood:
            term, plan = _change(customer, term, day, plan, max(1, round(seats * dice.uniform(0.1, 0.4))), moves_up=dice.random() < 0.2)
        elif roll > 0.9 and mood < 0.45 and term.seats > 4:
            term, plan = _change(customer, term, day, plan, -max(1, round(term.seats * dice.uniform(0.1, 0.3))), moves_up=False)
    customer.terms.append(term)
    monthly = term.seats * term.price
    customer.potential = round(monthly * dice.choice((1, 1, 1.2, 1.5, 3, 6)) / 50) * 50
    if monthly >= 2600:
        customer.segment = "vip"
    elif customer.potential >= monthly * 2.9 and customer.potential >= 1500:
        customer.segment = "potential"
    else:
        customer.segment = "core" if monthly >= 650 else "non_core"


def _cause(dice: random.Random, company: Company, customer: Customer, day: dt.date) -> str:
    if customer.champion_left and customer.champion_left < day and dice.random() < 0.7:
        return "champion"
    return dice.choices((customer.pain, "payment", "closed"), weights=(80, 12, 8))[0]


def _change(customer: Customer, term: Term, day: dt.date, plan: int, seats: int, *, moves_up: bool) -> tuple[Term, int]:
    """Ends a term and begins the next with more or fewer seats, or the next plan."""
    if day <= term.start:
        return term, plan
    term.end = day
    customer.terms.append(term)
    if moves_up and plan < 2:
        plan += 1
    name, price, _seats = PLANS[plan]
    return Term(day, None, name, max(term.seats + seats, 1), price, term.yearly), plan


def _meet(dice: random.Random, customer: Customer) -> None:
    """The people at a customer; the champion may be gone."""
    roles = ["champion", "sponsor", "billing"][: dice.randint(2, 3)] + ["user"] * dice.randint(1, 4)
    seen: set[str] = set()
    for index, role in enumerate(roles, start=1):
        language = customer.language if customer.language == "tr" or dice.random() < 0.9 else "tr"
        name = f"{dice.choice(words.FIRST[language])} {dice.choice(words.LAST[language])}"
        if name in seen:
            continue
        seen.add(name)
        customer.contacts.append(
            {
                "external_id": f"{customer.key}-c{index}",
                "name": name,
                "role": role,
                "job_title": words.JOBS[role][language],
                "language": language,
                "email": f"c{index}@{customer.key}.example",
            }
        )
