"""Adoption against the plan and seats in use, as SQL: joined to the inputs of health where a model looks at them, and read for the account's page.

As everywhere in `metrics/sql`, `as_of`, `t_date`, `usage_split` and the scope are parameters, and every
figure is the left limit at the instant: complete days before its date, what is in force just before it.
"""

from __future__ import annotations

# what each plan includes at the instant: what people chose for it, else what is used on it
PLAN_FEATURES = """SELECT DISTINCT p.plan, p.feature_id FROM metrics_planfeature p
      WHERE p.valid_from < %(as_of)s AND (p.valid_to IS NULL OR p.valid_to >= %(as_of)s)
        AND (p.by_hand OR NOT EXISTS (SELECT 1 FROM metrics_planfeature h
                                      WHERE h.plan = p.plan AND h.by_hand AND h.valid_from < %(as_of)s AND (h.valid_to IS NULL OR h.valid_to >= %(as_of)s)))"""


def past_plans_select(scope: str) -> str:
    """By account: the plan of the instant, where another one has taken its place since. Few have one, none as of now."""
    return f"""SELECT DISTINCT ON (account_id) account_id, plan FROM accounts_pastplan
      WHERE {scope.format("account_id")} AND valid_to >= %(as_of)s ORDER BY account_id, valid_to"""


# the plan of the instant over the account `a` and its past plan `pp`
PLAN_THEN = "coalesce(pp.plan, a.plan)"


def adopted_select(scope: str) -> str:
    """By account: the features used in the 28 days (`featured`), and those of them that its plan includes (`adopted`)."""
    return f"""SELECT account_id, count(*) AS featured, count(*) FILTER (WHERE included) AS adopted
      FROM (SELECT d.account_id, d.feature_id, bool_or(pf.plan IS NOT NULL) AS included
            FROM accounts_usageday d
            JOIN accounts_feature ft ON ft.id = d.feature_id AND ft.key <> ''
            JOIN accounts_account a ON a.id = d.account_id
            LEFT JOIN ({past_plans_select(scope)}) pp ON pp.account_id = d.account_id
            LEFT JOIN ({PLAN_FEATURES}) pf ON pf.plan = {PLAN_THEN} AND pf.feature_id = d.feature_id
            WHERE {scope.format("d.account_id")} AND d.day >= %(usage_split)s AND d.day < %(t_date)s AND d.count > 0
            GROUP BY d.account_id, d.feature_id) used
      GROUP BY account_id"""


OFFERED = f"SELECT plan, count(*) AS offered FROM ({PLAN_FEATURES}) included GROUP BY plan"


def people_select(scope: str) -> str:
    """By account: the most people seen on one of the 28 days. Rollups by day cannot tell whether two days saw the same people."""
    return f"""SELECT account_id, max(users) AS users FROM accounts_usageday
      WHERE {scope.format("account_id")} AND day >= %(usage_split)s AND day < %(t_date)s AND users IS NOT NULL
      GROUP BY account_id"""


def seats_select(scope: str, in_force: str) -> str:
    """By account: the seats of the subscriptions in force. Where none is of seats, a plan sold by more than one unit counts its units."""
    return f"""SELECT s.account_id, coalesce(nullif(sum(s.quantity) FILTER (WHERE s.kind = 'seats'), 0),
                                       sum(s.quantity) FILTER (WHERE s.kind = 'plan' AND s.quantity > 1)) AS seats
      FROM accounts_subscription s WHERE {scope.format("s.account_id")} AND {in_force} GROUP BY s.account_id"""


# over `ad` (adopted), `pl` (offered), `ud` (people), `st` (seats) and the uses of the 28 days; percent, null where it cannot be told:
# use that names no feature says nothing about adoption, use that names no people nothing about seats
ADOPTION = "CASE WHEN pl.offered > 0 AND (ad.featured > 0 OR coalesce({uses}, 0) = 0) THEN (100 * coalesce(ad.adopted, 0))::float8 / pl.offered::float8 END"
SEAT_USE = "CASE WHEN st.seats > 0 AND (ud.users IS NOT NULL OR coalesce({uses}, 0) = 0) THEN (100 * coalesce(ud.users, 0))::float8 / st.seats::float8 END"
