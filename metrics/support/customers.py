"""Customers that use support most, beside what they pay: a page of the table, and all of it for an export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from heapq import nsmallest
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, User
from metrics import words
from metrics.kpis.support_shares import BY_TIME, Share, Shares, support_shares
from metrics.support.desk import Desk

SHOWN = 25


@dataclass(frozen=True)
class Customer:
    """One row of the table in words."""

    account: Account | None
    name: str
    share: Share
    tickets_href: str
    contacts_href: str
    handle: SafeString
    pays: str
    ratio: str
    cost: str
    # more of the work than of the money
    heavy: bool


def read(desk: Desk) -> Shares:
    """The shares of the period; MRR at its end, of the accounts that fit the segment. Raises WrongQuestion."""
    questions = {name: desk.question(name) for name in ("ticket_volume", "aht")}
    of_accounts = ("segment", "account")
    return support_shares({**questions, "mrr": desk.question("mrr", only=of_accounts), "support_cost": desk.question("support_cost", "amount")})


# what stands in for a share in an order: the same order without a division for each of many
_ORDERS = {"ticket_share": "tickets", "handle_share": "handle_seconds", "mrr_share": "mrr"}


def _number(shares: Shares, sort: str) -> Callable[[Share], Any]:
    """The value to order by; None stands last."""
    whole = {"ticket_share": shares.tickets, "handle_share": shares.handle_seconds, "mrr_share": shares.mrr}
    if sort in whole:
        return attrgetter(_ORDERS[sort]) if whole[sort] else lambda share: None
    return attrgetter(sort)


def _ordered(shares: Shares, sort: str, names: Callable[[], dict[int, str]], most: int | None = None) -> list[Share]:
    """The rows in the chosen order, the first of them where only so many are wanted. `names` is asked for an order by name alone."""
    if sort == "name":
        known = names()
        found = sorted(shares.rows, key=lambda share: ((share.account or 0) not in known, known.get(share.account or 0, ""), share.account or 0))
        return found[:most]
    number = _number(shares, sort)

    def key(share: Share) -> tuple[Any, ...]:
        if sort == "ratio" and share.pays_nothing and (share.tickets or share.handle_seconds):
            # work without any pay is beyond every ratio
            return (0, -(share.handle_share or share.ticket_share or Decimal(0)), share.account or 0)
        value = number(share)
        return (1 if value is not None else 2, -(value or 0), -share.tickets, share.account or 0)

    return sorted(shares.rows, key=key) if most is None else nsmallest(most, shares.rows, key=key)


def _seen(desk: Desk) -> Any:
    user: User = desk.user
    return Account.objects.visible_to(user) if desk.sees_rows else Account.objects.none()


def _accounts(desk: Desk, rows: Iterable[Share]) -> dict[int, Account]:
    return {row.pk: row for row in _seen(desk).filter(pk__in=[share.account for share in rows if share.account])}


def _search_names(desk: Desk) -> dict[int, str]:
    return dict(_seen(desk).values_list("pk", "name_search"))


def customers(desk: Desk) -> dict[str, Any]:
    """The first of them in the chosen order. Analysts see how the use is spread, without names."""
    shares = read(desk)
    first = _ordered(shares, desk.chosen.sort, lambda: _search_names(desk), SHOWN)
    names = _accounts(desk, first)
    rows = [_row(desk, share, names.get(share.account or 0), place) for place, share in enumerate(first, 1)]
    pays_nothing = [share for share in shares.rows if share.pays_nothing]
    return {
        "rows": rows, "all": len(shares.rows), "shown": len(rows), "shares": shares, "by_time": shares.method == BY_TIME, "cost": _money(shares.cost), "mrr": _money(shares.mrr),
        "handle": words.seconds(shares.handle_seconds), "free": len(pays_nothing), "sort": desk.chosen.sort, "sees_rows": desk.sees_rows,
        "free_share": sum((share.ticket_share or Decimal(0) for share in pays_nothing), Decimal(0)),
    }  # fmt: skip


def _row(desk: Desk, share: Share, account: Account | None, place: int) -> Customer:
    own = share.account
    name = account.name if account else _("No account") if own is None else _("Customer %(place)s") % {"place": place}
    return Customer(
        account=account, name=name, share=share, handle=words.seconds(share.handle_seconds), pays=_("pays nothing") if share.pays_nothing else _money(share.mrr),
        tickets_href=desk.link("volume", account=own) if own and share.tickets else "", contacts_href=desk.link("handled", account=own) if own and share.contacts else "",
        ratio=_("pays nothing") if share.pays_nothing else "–" if share.ratio is None else _("%(times)s ×") % {"times": wording.number(round(share.ratio, 2))},
        cost=_money(share.cost), heavy=share.ratio is not None and share.ratio >= 2,
    )  # fmt: skip


def _money(amount: Decimal | None) -> str:
    return "–" if amount is None else wording.money(int(amount * 1_000_000), settings.REPORTING_CURRENCY)


def exported(desk: Desk) -> tuple[list[str], Iterator[list[Any]]]:
    """The head and all rows of the table for a CSV file; exact numbers, the names of those the reader may see."""
    shares = read(desk)
    names = _accounts(desk, shares.rows)
    head = [
        _("Account id"), _("Account"), _("Tickets"), _("Share of tickets"), _("Contacts"), _("Handle seconds"), _("Share of handle time"),
        f"MRR {settings.REPORTING_CURRENCY}", _("Share of MRR"), _("Work over pay"), f"{_('Cost to serve')} {settings.REPORTING_CURRENCY}", _("Cost spread by"),
    ]  # fmt: skip

    def cut(value: Decimal | None) -> Decimal | None:
        return None if value is None else round(value, 12)

    def lines() -> Iterator[list[Any]]:
        for share in _ordered(shares, desk.chosen.sort, lambda: {pk: row.name_search for pk, row in names.items()}):
            account = names.get(share.account or 0)
            yield [
                account.external_id if account else "", account.name if account else _("No account") if share.account is None else "", share.tickets, cut(share.ticket_share),
                share.contacts, cut(share.handle_seconds), cut(share.handle_share), cut(share.mrr), cut(share.mrr_share), cut(share.ratio), cut(share.cost),
                _("handle time") if shares.method == BY_TIME else _("tickets"),
            ]  # fmt: skip

    return head, lines()
