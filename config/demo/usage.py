"""What the customers of the demo do in the product, day by day. Pure."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from config.demo.company import Company

FEATURES = (("routes", 0.5), ("reports", 0.16), ("driver_app", 0.9))
DETAILED_DAYS = 130

# (account key, feature, day, count, users, seconds, errors)
UsageRow = tuple[str, str, dt.date, int, int, int, int]


def usage(company: Company, seed: int) -> Iterator[UsageRow]:
    """Use as a whole for the two years; by feature for the last months. Yesterday is the last day."""
    dice = random.Random(f"usage {seed}")
    detailed_from = company.today - dt.timedelta(days=DETAILED_DAYS)
    for customer in company.customers:
        day = max(customer.signed_up, company.first_day)
        until = min(customer.churned or company.today, company.today)
        drift = 1.0
        while day < until:
            seats = customer.seats_on(day) or 3
            mood = company.mood(customer, day)
            drift = min(max(drift * dice.gauss(1.0, 0.02), 0.75), 1.3)
            ramp = min(1.0, 0.3 + (day - customer.signed_up).days / 60)
            active = seats * (0.06 + 0.84 * mood) * company.season(customer, day) * drift * ramp
            count = int(active * dice.uniform(5, 7))
            if count:
                users = min(max(1, round(active)), seats)
                bad = 0 <= (day - company.bad_release).days < 24
                errors = int(count * dice.uniform(0.02, 0.06)) if bad else int(count * dice.uniform(0, 0.006))
                if day >= detailed_from:
                    left = count
                    for feature, share in FEATURES:
                        part = min(int(count * share * dice.uniform(0.35, 0.65)), left)
                        left -= part
                        if part:
                            yield customer.key, feature, day, part, max(1, int(users * share)), part * 35, errors // 3
                    if left:
                        yield customer.key, "", day, left, users, left * 40, 0
                else:
                    yield customer.key, "", day, count, users, count * 40, errors
            day += dt.timedelta(days=1)
