"""Properties of rules: SQL and a plain reading in Python agree over generated accounts and rules; faults always name a place that exists."""

from __future__ import annotations

import datetime as dt
import random
import re
import zoneinfo
from decimal import Decimal

from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.usage import put_usage
from accounts.models import Account, AccountSnapshot, Contact, LifecycleStage, Segment
from accounts.queries.rule_matches import explain_many, matching
from accounts.rules import compile_where, faults_of, parse, sentence
from accounts.rules.draft import from_json, to_json

NOW = dt.datetime(2027, 3, 10, 22, 30, tzinfo=dt.UTC)
ZONE = zoneinfo.ZoneInfo("Europe/Istanbul")
TODAY = NOW.astimezone(ZONE).date()
WORDS = ["Pro", "pro plus", "İŞLETME", "işletme", "Ölçek", "", "Isparta", "ısparta"]
SEATS = [None, 3, 12, "7", "many", "2027-03-01", "2027-02-10T10:00", True, "1e5", 12.5]

# ── the same language, read in Python ───────────────────────────────────────

LETTERS = {"İ": "i", "I": "i", "ı": "i", "Ş": "s", "ş": "s", "Ö": "o", "ö": "o", "Ü": "u", "ü": "u", "Ç": "c", "ç": "c", "Ğ": "g", "ğ": "g"}


def plain(text):
    return "".join(LETTERS.get(sign, sign.lower() if sign.isascii() else sign) for sign in text)


def number_in(value):
    text = {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,15}([.][0-9]{1,12})?", text) else None


def day_in(text):
    return text[:10] if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None


def ordered(have, op, want):
    if have is None:
        return op == "neq"
    if op == "between":
        return want[0] <= have <= want[1]
    return {"gte": have >= want, "gt": have > want, "lte": have <= want, "lt": have < want, "eq": have == want, "neq": have != want}[op]


def relative(have, op, days):
    if have is None:
        return False
    ahead = dt.timedelta(days=int(days))
    return {
        "in_next_days": TODAY <= have <= TODAY + ahead,
        "in_more_than_days": have > TODAY + ahead,
        "within_last_days": TODAY - ahead <= have <= TODAY,
        "more_than_days_ago": have < TODAY - ahead,
    }[op]


def text_holds(have, op, want):
    have = plain(have or "")
    if op in ("eq", "neq", "in", "not_in"):
        listed = have != "" and have in [plain(entry) for entry in (want if isinstance(want, list) else [want])]
        return listed == (op in ("eq", "in"))
    if op == "starts_with":
        return have.startswith(plain(want))
    return (plain(want) in have) == (op == "contains")


def holds(rule, facts):
    if "all" in rule:
        return all(holds(entry, facts) for entry in rule["all"])
    if "any" in rule:
        return any(holds(entry, facts) for entry in rule["any"])
    if "not" in rule:
        return not holds(rule["not"], facts)
    if "usage" in rule:
        return usage_holds(rule, facts)
    if "event" in rule:
        return event_holds(rule, facts)
    if "contacts" in rule:
        fit, everybody = sum(holds(rule["where"], contact) for contact in facts["contacts"]), len(facts["contacts"])
        if isinstance(rule["contacts"], dict):
            return everybody > 0 and fit >= Decimal(rule["contacts"]["share"]) * everybody
        return {"any": fit > 0, "none": fit == 0, "all": everybody > 0 and fit == everybody}[rule["contacts"]]
    return condition_holds(rule, facts)


def usage_holds(rule, facts):
    asked = rule["usage"]
    rows = [row for row in facts["usage"] if TODAY - dt.timedelta(days=asked["days"]) <= row[1] < TODAY and (not asked["feature"] or row[0] == asked["feature"])]
    if asked["measure"] == "features":
        have = Decimal(len({feature for feature, _d, count, _u in rows if count > 0 and feature}))
    elif asked["measure"] == "active_days":
        have = Decimal(len({day for _f, day, count, _u in rows if count > 0}))
    elif asked["measure"] == "count":
        have = Decimal(sum(row[2] for row in rows))
    else:
        best = [max(users for _f, day, _c, users in rows if day == one) for one in {row[1] for row in rows}]
        have = Decimal(sum(best) if asked["per"] == "day" else max(best, default=0))
    want = Decimal(rule["value"])
    # no division: an average of so much is a sum of so much times the days
    return ordered(have, rule["op"], want * asked["days"] if asked["per"] == "day" else want)


def event_holds(rule, facts):
    asked = rule["event"]
    first = dt.datetime.combine(TODAY - dt.timedelta(days=asked["days"]), dt.time(), ZONE)
    times = sum(kind == asked["kind"] and first <= moment <= NOW and ("key" not in asked or attempt == int(asked["value"])) for kind, moment, attempt in facts["events"])
    return times >= int(rule.get("value", 1)) if rule["op"] == "happened" else times == 0


def condition_holds(rule, facts):
    op, want = rule["op"], rule.get("value")
    if rule["field"].startswith("attributes."):
        return attribute_holds(facts["attributes"].get("seats"), op, want)
    have = facts[rule["field"]]
    if op in ("is_empty", "is_not_empty"):
        return (have in (None, "", [])) == (op == "is_empty")
    if op.endswith(("days", "days_ago")):
        return relative(have, op, want)
    if isinstance(have, bool):
        return have == want
    if rule["field"] in ("plan", "job_title"):
        return text_holds(have, op, want)
    if rule["field"] == "tags":
        return bool(set(have) & set(want)) == (op == "in")
    if rule["field"] in ("segment", "stage", "role"):
        return (have is not None and have in (want if isinstance(want, list) else [want])) == (op in ("eq", "in"))
    if rule["field"] in ("renews_on", "signed_up_at"):
        return have is not None and ordered(have, op, dt.date.fromisoformat(want))
    return ordered(have, op, [Decimal(entry) for entry in want] if isinstance(want, list) else Decimal(want))


def attribute_holds(have, op, want):
    text = None if have is None else ("true" if have else "false") if isinstance(have, bool) else str(have)
    if op in ("is_empty", "is_not_empty"):
        return (text is None) == (op == "is_empty")
    if op.endswith(("days", "days_ago")):
        day = day_in(text or "")
        return relative(dt.date.fromisoformat(day), op, want) if day else False
    if op in ("gte", "gt", "lte", "lt"):
        if "-" in want:
            day = day_in(text or "")
            return day is not None and ordered(day, op, want)
        number = None if text is None else number_in(text)
        return number is not None and ordered(number, op, Decimal(want))
    return text_holds(text, op, want)


# ── accounts ────────────────────────────────────────────────────────────────


def population(cast):
    """Forty accounts with all that rules ask about, half of it missing; returns the facts by account as Python has them."""
    dice, found = random.Random(20270310), {}
    segments, stages = list(Segment.objects.all()), list(LifecycleStage.objects.all())
    for number in range(40):
        segment, stage = dice.choice([None, *segments]), dice.choice([None, *stages])
        signed = dice.choice([None, NOW - dt.timedelta(hours=dice.randrange(2000))])
        seats = dice.choice(SEATS)
        account = Account.objects.create(
            name=f"Firma {number}", owner=cast.elif_, segment=segment, lifecycle_stage=stage, plan=dice.choice(WORDS), signed_up_at=signed, excluded=dice.random() < 0.3,
            tags=dice.choice([[], ["beta"], ["beta", "gold"]]), attributes={} if seats is None else {"seats": seats},
        )  # fmt: skip
        renews = dice.choice([None, TODAY + dt.timedelta(days=dice.randrange(-40, 120))])
        health, risk, mrr = dice.choice([None, dice.randrange(10_001)]), dice.choice([None, Decimal(dice.randrange(10_001)) / 10_000]), dice.randrange(3_000) * 500_000
        AccountSnapshot.objects.filter(account=account).update(health=health, churn_risk=risk, mrr_micros=mrr, renews_on=renews)
        people = [
            {
                "job_title": dice.choice(WORDS),
                "role": dice.choice(["", "champion", "sponsor"]),
                "birth_year": dice.choice([None, dice.randrange(1950, 2005)]),
                "opted_out": dice.random() < 0.3,
            }
            for _ in range(dice.randrange(4))
        ]
        Contact.objects.bulk_create([Contact(account=account, external_id=f"p{number}-{index}", **person) for index, person in enumerate(people)])
        days = {(dice.choice(["", "reports"]), TODAY - dt.timedelta(days=dice.randrange(12))): (dice.randrange(6), dice.randrange(1, 5)) for _ in range(dice.randrange(8))}
        put_usage([(account.pk, feature, day, count, users, None, None) for (feature, day), (count, users) in days.items()])
        events = [(dice.choice(["payment.failed", "trial.ended"]), NOW - dt.timedelta(hours=dice.randrange(-5, 200)), dice.randrange(1, 3)) for _ in range(dice.randrange(6))]
        record_events(
            NewEvent(account_id=account.pk, kind=kind, occurred_at=moment, origin="api", payload={"attempt": attempt} if kind == "payment.failed" else {})
            for kind, moment, attempt in events
        )
        found[account.pk] = {
            "events": events,
            "segment": segment and segment.key, "stage": stage and stage.key, "plan": account.plan, "tags": account.tags, "excluded": account.excluded, "attributes": account.attributes,
            "signed_up_at": signed and signed.astimezone(ZONE).date(), "renews_on": renews, "mrr": Decimal(mrr) / 1_000_000, "health": None if health is None else Decimal(health) / 100,
            "churn_risk": risk, "usage": [(feature, day, *figures) for (feature, day), figures in days.items()],
            "contacts": [
                {"job_title": person["job_title"], "role": person["role"] or None, "opted_out": person["opted_out"], "age": person["birth_year"] and Decimal(2027 - person["birth_year"])}
                for person in people
            ],
        }  # fmt: skip
    return found


# ── rules ───────────────────────────────────────────────────────────────────

NUMBER_OPS, DAY_OPS = ["gte", "gt", "lte", "lt", "eq", "neq"], ["in_next_days", "in_more_than_days", "within_last_days", "more_than_days_ago"]
days = st.dates(TODAY - dt.timedelta(days=60), TODAY + dt.timedelta(days=60)).map(dt.date.isoformat)


def condition(field, op, value=None):
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


def numeric(field, low, high, places):
    value = st.decimals(low, high, places=places).map(lambda number: f"{number:f}")
    return st.one_of(
        st.builds(condition, st.just(field), st.sampled_from(NUMBER_OPS), value),
        st.builds(lambda pair: condition(field, "between", sorted(pair, key=Decimal)), st.lists(value, min_size=2, max_size=2)),
        st.builds(condition, st.just(field), st.sampled_from(["is_empty", "is_not_empty"])),
    )


def texts(field):
    word = st.sampled_from([word for word in WORDS if word] + ["IŞ", "p", "7", "many", "true"])
    return st.one_of(
        st.builds(condition, st.just(field), st.sampled_from(["eq", "neq", "contains", "not_contains", "starts_with"]), word),
        st.builds(condition, st.just(field), st.sampled_from(["in", "not_in"]), st.lists(word, min_size=1, max_size=3)),
        st.builds(condition, st.just(field), st.sampled_from(["is_empty", "is_not_empty"])),
    )


def choices(field, keys):
    return st.one_of(
        st.builds(condition, st.just(field), st.sampled_from(["eq", "neq"]), st.sampled_from(keys)),
        st.builds(condition, st.just(field), st.sampled_from(["in", "not_in"]), st.lists(st.sampled_from(keys), min_size=1, max_size=2)),
        st.builds(condition, st.just(field), st.sampled_from(["is_empty", "is_not_empty"])),
    )


def dated(field):
    return st.one_of(
        st.builds(condition, st.just(field), st.sampled_from(["gte", "gt", "lte", "lt", "eq"]), days),
        st.builds(condition, st.just(field), st.sampled_from(DAY_OPS), st.integers(0, 100).map(str)),
    )


def nested(leaf):
    groups = st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(lambda word, parts: {word: parts}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)), st.builds(lambda part: {"not": part}, inner)
        ),
        max_leaves=5,
    )
    return st.lists(groups, min_size=1, max_size=3).flatmap(lambda parts: st.sampled_from([{"all": parts}, {"any": parts}]))


person = st.one_of(
    texts("job_title"), choices("role", ["champion", "sponsor", "user"]), numeric("age", 18, 80, 0), st.booleans().map(lambda yes: condition("opted_out", "eq", yes))
)
share = st.sampled_from(["0.01", "0.34", "0.5", "1"]).map(lambda value: {"share": value})
usage = st.builds(
    lambda measure, feature, span, per, op, value: {"usage": {"measure": measure, "feature": "" if measure == "features" else feature, "days": span, "per": "total" if measure in ("active_days", "features") else per}, "op": op, "value": value},
    st.sampled_from(["count", "users", "active_days", "features"]), st.sampled_from(["", "reports", "nothing"]), st.sampled_from([1, 2, 4, 5, 8, 10]), st.sampled_from(["total", "day"]),
    st.sampled_from(NUMBER_OPS), st.sampled_from(["0", "0.5", "1", "2.5", "4", "10"]),
)  # fmt: skip
event = st.builds(
    lambda kind, days, attempt, times: {"event": {"kind": kind, "days": days} | attempt} | times,
    st.just("payment.failed"), st.sampled_from([1, 2, 5, 9]), st.sampled_from([{}, {"key": "attempt", "value": "2"}]),
    st.sampled_from([{"op": "happened"}, {"op": "happened", "value": "2"}, {"op": "not_happened"}]),
)  # fmt: skip
leaf = st.one_of(
    event,
    numeric("mrr", 0, 1600, 1), numeric("health", 0, 100, 2), numeric("churn_risk", 0, 1, 4), texts("plan"), texts("attributes.seats"), dated("renews_on"), dated("signed_up_at"),
    dated("attributes.seats").filter(lambda rule: rule["op"] != "eq"), choices("segment", ["vip", "core"]), choices("stage", ["trial", "adoption"]), usage,
    st.builds(condition, st.just("attributes.seats"), st.sampled_from(["gte", "lt"]), st.sampled_from(["7", "12", "12.5"])),
    st.builds(condition, st.just("tags"), st.sampled_from(["in", "not_in"]), st.lists(st.sampled_from(["beta", "gold"]), min_size=1, max_size=2)),
    st.booleans().map(lambda yes: condition("excluded", "eq", yes)),
    st.builds(lambda count, where: {"contacts": count, "where": where}, st.one_of(st.sampled_from(["any", "all", "none"]), share), nested(person)),
)  # fmt: skip
rules = nested(leaf).filter(lambda rule: not faults_of(rule))


def test_sql_agrees_with_a_plain_reading_over_generated_accounts(cast, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    facts = population(cast)

    @given(rules)
    @_examples
    def agrees(json):
        rule = parse(json)
        expected = sorted(pk for pk, account in facts.items() if holds(json, account))
        assert matching(rule, now=NOW, today=TODAY, account_ids=list(facts)) == expected
        # what the builder makes of the rule asks the same
        assert matching(parse(to_json(from_json(json, ","), ",")), now=NOW, today=TODAY, account_ids=list(facts)) == expected
        told = explain_many(rule, facts, now=NOW, today=TODAY, names={})
        assert all(reason.met == holds(at(json, reason.path), facts[pk]) for pk, reasons in told.items() for reason in reasons)
        assert sentence(rule)

    agrees()


_examples = settings(max_examples=120)


def at(json, path):
    for step in path.split("."):
        json = json[int(step)] if isinstance(json, list) else json[step]
    return json


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["mrr", "gte", "segment", "all", "any"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["all", "any", "not", "field", "op", "value", "contacts", "where", "usage", "event", "measure", "days", "share", "x"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.one_of(anything, st.builds(lambda parts: {"all": parts}, st.lists(anything, max_size=3))))
def test_a_fault_always_names_a_place_of_the_rule_or_one_that_is_missing_there(json):
    faults = faults_of(json)
    for path, message in faults.items():
        assert message
        *steps, last = path.split(".")
        place = at(json, ".".join(steps)) if steps else json
        # the last step may be what is missing there: a condition without an operator
        assert not path or isinstance(place, dict) or int(last) < len(place)
    if not faults:
        assert parse(json)


@given(st.text(min_size=1, max_size=40), st.sampled_from(["eq", "contains", "starts_with", "not_in"]))
def test_no_typed_sign_ever_stands_in_the_statement(text, op):
    marked = f"{text}zq'%s"
    json = {
        "all": [
            {"field": f"attributes.{marked}"[:90], "op": op, "value": [marked] if op == "not_in" else marked},
            {"field": "plan", "op": op, "value": [marked] if op == "not_in" else marked},
        ]
    }
    if not faults_of(json):
        sql, params = compile_where(parse(json))
        assert "zq" not in sql
        assert sql.count("%(") == sql.count("%")
        assert set(re.findall(r"%\((\w+)\)s", sql)) - {"now", "today"} <= set(params)


def test_a_statement_of_two_rules_keeps_their_values_apart(cast):
    first, first_values = compile_where(parse({"all": [condition("plan", "eq", "a")]}), prefix="one")
    second, second_values = compile_where(parse({"all": [condition("plan", "eq", "b")]}), prefix="two")
    with connection.cursor() as cursor:
        values = first_values | second_values | {"now": NOW, "today": TODAY}
        cursor.execute(f"SELECT count(*) FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id WHERE {first} OR NOT {second}", values)
        assert cursor.fetchone() == (0,)
