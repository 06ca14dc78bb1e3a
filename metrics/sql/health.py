"""The statement that scores accounts: inputs, points, history row, snapshot, in one pass over a range.

Written from the active models, run for a range of accounts or for a list of them; the text is the
same but for the scope, so an incremental recompute cannot differ from a full one. The arithmetic is
that of `metrics/scoring.py`, to the bit; a test feeds both with the same inputs.

Every input is the left limit at the instant `as_of`: what is dated exactly then has not happened.
Big facts are read by index in the order of accounts and grouped as they come (`SET LOCAL
enable_hashagg = off` in the caller): no hash table larger than a processor cache, joins become merges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.scoring import FULL, NEUTRAL_POINTS, WORTH_SAYING, Model, Part
from metrics.sql.health_inputs import COSTLY, LISTED, RANGE, inputs_select

__all__ = ["COSTLY", "LISTED", "RANGE", "ScoredBy", "health_statement", "inputs_select", "judged", "raw_expression", "score_stages"]


@dataclass(frozen=True)
class ScoredBy:
    """An active model as the statement needs it: its row, its rule of arithmetic, whom it is for."""

    id: int
    model: Model
    segment_ids: tuple[int, ...] = ()


def _fresh(part: Part, condition: str) -> str:
    return f" AND {condition}" if part.fresh_days is not None else ""


def raw_expression(part: Part) -> str:
    """The raw input of a part as double precision, null where there is none, over the row `i` of inputs."""
    if part.source == "usage_trend":
        fresh = _fresh(part, f"i.seen_on >= %(t_date)s::date - {part.fresh_days}")
        return f"CASE WHEN i.uses_before > 0{fresh} THEN (coalesce(i.uses, 0) - i.uses_before)::float8 / i.uses_before::float8 END"
    if part.source == "last_nps":
        fresh = _fresh(part, f"i.nps_at >= %(as_of)s::timestamptz - {(part.fresh_days or 0) * 24} * interval '1 hour'")
        return f"CASE WHEN i.nps IS NOT NULL{fresh} THEN i.nps::float8 END"
    if part.source == "csat_90d":
        fresh = _fresh(part, f"i.csat_at >= %(as_of)s::timestamptz - {(part.fresh_days or 0) * 24} * interval '1 hour'")
        return f"CASE WHEN i.csat_count > 0{fresh} THEN i.csat_sum::float8 / (i.csat_count * 100000)::float8 END"
    if part.source == "severe_tickets":
        return "coalesce(i.severe_tickets, 0)::float8"
    if part.source == "days_to_renewal":
        return "(i.renews_on - %(t_date)s::date)::float8"
    if part.source == "failed_payments":
        return "coalesce(i.failed_payments, 0)::float8"
    if part.source == "days_since_seen":
        return "(%(t_date)s::date - i.seen_on)::float8"
    if part.source == "days_since_touch":
        return "floor(extract(epoch FROM %(as_of)s::timestamptz - i.last_touch_at) / 86400)::float8"
    if part.source == "active_days":
        # who was never seen has no days that could be counted
        return "CASE WHEN i.seen_on IS NOT NULL THEN coalesce(i.active_days, 0)::float8 END"
    if part.source == "pulse":
        return "i.pulse::float8"
    if part.source in {"adoption", "seat_use"}:
        # as with active days: who was never seen has adopted nothing that could be counted
        return f"CASE WHEN i.seen_on IS NOT NULL THEN i.{part.source} END"
    raise ValueError(f"no input is called {part.source}")


def _number(value: float) -> str:
    """A double as SQL spells it; repr is exact for doubles."""
    return f"'{float(value)!r}'::float8"


def points_expression(part: Part, raw: str) -> str:
    """Hundredths of a point of a part, null where it is left out; the first rule of `metrics/scoring.py`."""
    # greatest and least skip nulls, so null has to be kept out of them
    share = f"({raw} - {_number(part.worst)}) / ({_number(part.best)} - {_number(part.worst)})"
    earned = f"CASE WHEN {raw} IS NOT NULL THEN floor(least(greatest({share}, 0::float8), 1::float8) * 10000::float8 + 0.5::float8)::bigint END"
    if part.missing == "leave_out":
        return earned
    return f"coalesce({earned}, {NEUTRAL_POINTS if part.missing == 'neutral' else 0})"


def _complaint(part: Part, raw: str) -> str:
    if part.source == "usage_trend":
        return f"{raw} < 0"
    return f"{raw} > 0" if part.source in {"severe_tickets", "failed_payments"} else f"{raw} IS NOT NULL"


def _evidence(model: Model) -> str:
    if any(part.missing != "leave_out" for part in model.parts):
        # data that is missing counts here, so everybody has a score; nobody misses a count
        always = [f"r{n} IS NULL" for n, part in enumerate(model.parts, 1) if part.missing != "leave_out" and part.source not in {"severe_tickets", "failed_payments"}]
    else:
        always = []
    seen = [f"r{n} > 0" if part.source in {"severe_tickets", "failed_payments"} else f"r{n} IS NOT NULL" for n, part in enumerate(model.parts, 1)]
    return " OR ".join(always + seen)


_VALUES = {
    "usage_trend": "'percent', round(-r{n} * 100)::integer",
    "last_nps": "'score', r{n}::integer",
    "csat_90d": "'mean', round(r{n}::numeric, 1)",
    "severe_tickets": "'count', r{n}::integer",
    "days_to_renewal": "'days', r{n}::integer",
    "failed_payments": "'count', r{n}::integer",
    "days_since_seen": "'days', r{n}::integer",
    "days_since_touch": "'days', r{n}::integer",
    "active_days": "'days', r{n}::integer",
    "pulse": "'score', r{n}::integer",
    "adoption": "'percent', round(r{n})::integer",
    "seat_use": "'percent', round(r{n})::integer",
}


def score_stages(model: Model, rows: str, *, carried: str, elsewhere: str, raws: Sequence[str] | None = None) -> str:
    """A select over `rows i` that gives score, band, confidence, raws, contributions and why of each row.

    `carried` are columns of `i` that go through to the result, ending in a comma; `i` also has
    `may_score` and `no_score_why`. `elsewhere` is asked, only where the inputs are no reason to score,
    whether the account has any ticket or transaction. `raws` replaces the expressions of the raw
    inputs (the test of equality passes columns). OFFSET 0 keeps the planner from writing one stage
    into the next, which would compute the same points many times over.
    """
    parts = list(enumerate(model.parts, 1))
    expressions = list(raws) if raws is not None else [raw_expression(part) for part in model.parts]
    weights = " + ".join(f"CASE WHEN p{n} IS NULL THEN 0 ELSE {part.weight}::bigint END" for n, part in parts)
    fresh = " + ".join(f"CASE WHEN r{n} IS NULL THEN 0 ELSE {part.weight} END" for n, part in parts)
    every = sum(part.weight for part in model.parts)
    sums = ", ".join(" + ".join(f"coalesce({part.weight} * p{m}, 0)" for m, part in parts[:n]) + f" AS t{n}" for n, _ in parts)
    costs = ", ".join(f"CASE WHEN {_complaint(part, f'r{n}')} THEN {part.weight} * ({FULL} - p{n}) ELSE -1 END AS k{n}" for n, part in parts)
    reached = ", ".join(f"(2 * t{n} + w) / (2 * nullif(w, 0)) AS c{n}" for n, _ in parts)
    columns = ", ".join(f"r{n}, p{n}" for n, _ in parts)
    cost_columns = ", ".join(f"k{n}" for n, _ in parts)
    contributions = ", ".join(f"CASE WHEN p{n} IS NOT NULL THEN c{n}{f' - c{n - 1}' if n > 1 else ''} END" for n, _ in parts)
    whys = " ".join(
        f"WHEN top = k{n} THEN jsonb_build_object('key', '{part.source}', 'values', jsonb_build_object({_VALUES[part.source].format(n=n)}))"
        for n, part in parts
        if part.source in _VALUES
    )
    known = _evidence(model)
    last = len(parts)
    return f"""
SELECT {carried}
    CASE WHEN counts THEN c{last} END::integer AS score,
    CASE WHEN NOT counts THEN '' WHEN c{last} >= {model.healthy_from * 100} THEN 'healthy' WHEN c{last} >= {model.watch_from * 100} THEN 'watch' ELSE 'at_risk' END AS band,
    CASE WHEN counts THEN (200 * fresh + {every}) / (2 * {every}) END::smallint AS confidence,
    ARRAY[{", ".join(f"r{n}" for n, _ in parts)}]::float8[] AS raws,
    ARRAY[{contributions}]::smallint[] AS contributions,
    CASE WHEN NOT counts THEN no_score_why WHEN top < {WORTH_SAYING} * w THEN '{{"key": "all_well", "values": {{}}}}'::jsonb {whys} END AS why
FROM (SELECT {carried} no_score_why, {columns}, w, fresh, {reached}, {cost_columns}, greatest({cost_columns}) AS top,
             coalesce(CASE WHEN w = 0 OR NOT may_score THEN false WHEN {known} THEN true ELSE {elsewhere} END, false) AS counts
      FROM (SELECT {carried} may_score, no_score_why, {columns}, {weights} AS w, {fresh} AS fresh, {sums}, {costs}
            FROM (SELECT {carried} may_score, no_score_why, {", ".join(f"r{n}, {points_expression(part, f'r{n}')} AS p{n}" for n, part in parts)}
                  FROM (SELECT {carried} may_score, no_score_why, {", ".join(f"{raw} AS r{n}" for n, raw in enumerate(expressions, 1))} FROM {rows} i OFFSET 0) raw
                  OFFSET 0) pointed
            OFFSET 0) weighed
      OFFSET 0) summed"""


# ── The inputs ───────────────────────────────────────────────────────────────

_ELSEWHERE = """(coalesce((SELECT true FROM tickets_ticket t WHERE t.account_id = weighed.account_id AND t.opened_at < %(as_of)s
                       AND NOT t.spam AND NOT t.test AND t.deleted_at IS NULL LIMIT 1), false)
              OR coalesce((SELECT true FROM accounts_transaction x WHERE x.account_id = weighed.account_id AND x.occurred_at < %(as_of)s LIMIT 1), false))"""

# columns of the inputs that the snapshot takes and the result carries
_CARRIED = (
    "account_id, health_was, band_was, health_before, mrr_micros, nps, nps_at, csat_sum, csat_count, open_tickets, severe_tickets, "
    "failed_payments, uses, uses_before, seen_on, last_touch_at, renews_on, writes_snapshot, "
)


def _costly(models: Sequence[ScoredBy]) -> frozenset[str]:
    return COSTLY & {part.source for scored_by in models for part in scored_by.model.parts}


def _models_select(models: Sequence[ScoredBy], segments: bool) -> str:
    """Every account under the first model that is for it, one branch a model."""
    if not segments:
        return _branch(models[0], "inputs")
    branches: list[str] = []
    earlier: list[str] = []
    for scored_by in models:
        mine = f"segment_id = ANY('{{{','.join(map(str, scored_by.segment_ids))}}}'::bigint[])" if scored_by.segment_ids else "true"
        condition = " AND ".join([f"coalesce({mine}, false)", *(f"NOT coalesce({other}, false)" for other in earlier)])
        branches.append(_branch(scored_by, f"(SELECT * FROM inputs WHERE {condition})"))
        earlier.append(mine)
        if mine == "true":
            break
    else:
        # no model is for the rest: their snapshots are kept true, without a score
        rest = " AND ".join(f"NOT coalesce({other}, false)" for other in earlier)
        extra = "".join(f"{name}, " for name in sorted(_costly(models)))
        branches.append(_branch(models[0], f"(SELECT {_CARRIED} {extra}csat_at, false AS may_score, no_score_why FROM inputs WHERE {rest})"))
    return " UNION ALL ".join(branches)


def _branch(scored_by: ScoredBy, rows: str) -> str:
    stages = score_stages(scored_by.model, rows, carried=_CARRIED, elsewhere=_ELSEWHERE)
    return stages.replace("\nSELECT ", f"\nSELECT {scored_by.id}::bigint AS model_id, ", 1)


def judged(models: Sequence[ScoredBy], *, scope: str, live: bool, currencies: bool) -> str:
    """The two stages every statement begins with: `inputs`, and `judged` with the score of each account by the first model that is for it."""
    segments = any(scored_by.segment_ids for scored_by in models)
    return f"""inputs AS {"MATERIALIZED" if segments else "NOT MATERIALIZED"} ({inputs_select(scope, live=live, currencies=currencies, segments=segments, costly=_costly(models))}),
judged AS NOT MATERIALIZED ({_models_select(models, segments)})"""


# yearly revenue x (100 - health) / 100, half up; the two steps keep the product inside 64 bits
_STAKE = f"coalesce(12 * mrr_micros / {FULL} * ({FULL} - score) + (mod(12 * mrr_micros, {FULL}) * ({FULL} - score) + {FULL // 2}) / {FULL}, 0)"

# in a row of `scored f`: the columns of the snapshot and what they become
_SNAPSHOT = (
    ("health", "f.score"),
    ("band", "f.band"),
    ("health_before", "f.health_before"),
    ("confidence", "f.confidence"),
    ("scored_on", "%(day)s::date"),
    ("mrr_micros", "f.mrr_micros"),
    ("stake_micros", "f.stake_micros"),
    ("nps", "f.nps"),
    ("nps_at", "f.nps_at"),
    ("csat_mean", "round(f.csat_sum / (f.csat_count * 100000.0), 2)"),
    ("csat_count", "f.csat_count"),
    ("open_tickets", "f.open_tickets"),
    ("severe_tickets", "f.severe_tickets"),
    ("failed_payments", "f.failed_payments"),
    ("usage_trend", "CASE WHEN f.uses_before > 0 THEN least(round((coalesce(f.uses, 0) - f.uses_before)::numeric / f.uses_before, 4), 9999) END"),
    ("last_seen_on", "f.seen_on"),
    ("last_touch_at", "f.last_touch_at"),
    ("renews_on", "f.renews_on"),
    ("why", "f.why"),
)


def health_statement(models: Sequence[ScoredBy], *, scope: str, live: bool, replace: bool, currencies: bool, history: str) -> str:
    """The whole statement. Parameters: as_of, now, day, t_date, zone, the usage and payment windows,
    currency, before_day, day_start, and `low`/`high` or `ids` as the scope says.

    `replace`: the day is not over, its row may be replaced; otherwise a row that exists is frozen.
    `history` is the month's table. Answers one row: accounts, scored, history rows written, snapshots
    changed, band changes as JSON, frozen rows that would differ as JSON.
    """
    conflict = (
        "DO UPDATE SET model_id = excluded.model_id, score = excluded.score, band = excluded.band, confidence = excluded.confidence, "
        "raws = excluded.raws, contributions = excluded.contributions, computed_at = excluded.computed_at "
        "WHERE (h.model_id, h.score, h.band, h.confidence, h.raws, h.contributions) IS DISTINCT FROM "
        "(excluded.model_id, excluded.score, excluded.band, excluded.confidence, excluded.raws, excluded.contributions)"
        if replace
        else "DO NOTHING"
    )
    # one probe an account that has no score, not a walk over the month
    unscored = "ARRAY(SELECT account_id FROM scored WHERE score IS NULL)"
    emptied = f", emptied AS (DELETE FROM {history} h WHERE h.account_id = ANY({unscored}) AND h.day = %(day)s)" if replace else ""
    restated = (
        "'[]'::jsonb"
        if replace
        else f"""(SELECT coalesce(jsonb_agg(jsonb_build_array(f.account_id, h.score, f.score, h.model_id, f.model_id)), '[]') FROM scored f JOIN {history} h
            ON h.account_id = f.account_id AND h.day = %(day)s AND {scope.format("h.account_id")} WHERE (h.score, h.model_id) IS DISTINCT FROM (f.score::smallint, f.model_id))"""
    )
    return f"""
WITH {judged(models, scope=scope, live=live, currencies=currencies)},
scored AS MATERIALIZED (SELECT *, {_STAKE} AS stake_micros FROM judged),
written AS (
    INSERT INTO {history} AS h (account_id, day, model_id, score, band, confidence, raws, contributions, computed_at)
    SELECT account_id, %(day)s, model_id, score, band, confidence, raws, contributions, %(as_of)s FROM scored WHERE score IS NOT NULL
    ON CONFLICT (account_id, day) {conflict} RETURNING 1){emptied},
refreshed AS (
    UPDATE accounts_accountsnapshot s SET {", ".join(f"{column} = {value}" for column, value in _SNAPSHOT)}, updated_at = %(now)s
    FROM scored f WHERE {scope.format("s.account_id")} AND s.account_id = f.account_id AND f.writes_snapshot
      AND ({", ".join(f"s.{column}" for column, _ in _SNAPSHOT)}) IS DISTINCT FROM ({", ".join(value for _, value in _SNAPSHOT)})
    RETURNING 1)
SELECT (SELECT count(*) FROM scored), (SELECT count(score) FROM scored), (SELECT count(*) FROM written), (SELECT count(*) FROM refreshed),
    (SELECT coalesce(jsonb_agg(jsonb_build_object('account', account_id, 'band_before', band_was, 'score_before', health_was, 'band', band,
                                                  'score', score, 'model', model_id, 'contributions', contributions, 'why', why)), '[]')
     FROM scored WHERE writes_snapshot AND band <> '' AND band_was <> '' AND band <> band_was),
    {restated}"""
