"""The support desk of the demo: its hours, what it promises, and how long agents worked on what. Pure."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator

from config.demo.rows import Row

HOUR = 3600
# severity: seconds to the first reply and to the solution; business hours, but for what is urgent
PROMISES = {4: (HOUR, 16 * HOUR), 3: (4 * HOUR, 40 * HOUR), 2: (8 * HOUR, 80 * HOUR), 1: (16 * HOUR, 160 * HOUR)}
ZONE = "Europe/Istanbul"


def business_hours() -> Iterator[Row]:
    """Monday to Friday, with a break at noon."""
    for weekday in range(1, 6):
        for opens, closes in (("09:00", "12:30"), ("13:30", "18:00")):
            yield {"weekday": weekday, "opens": opens, "closes": closes, "time_zone": ZONE}


def service_levels() -> Iterator[Row]:
    """One promise a severity for everybody, and a faster first reply for VIPs."""
    for severity, (reply, solution) in PROMISES.items():
        yield {"severity": severity, "segment": "", "first_reply_seconds": reply, "resolution_seconds": solution, "clock": "business"}
        yield {"severity": severity, "segment": "vip", "first_reply_seconds": reply // 2, "resolution_seconds": solution, "clock": "business"}


def interactions(tickets: Iterable[Row], seed: int) -> Iterator[Row]:
    """What handling each answered ticket took: calls, chats, or work on mails; harder tickets take longer."""
    dice = random.Random(f"desk {seed}")
    for ticket in tickets:
        if not ticket["first_replied_at"]:
            continue
        ended = dt.datetime.fromisoformat(ticket["first_replied_at"])
        weight = 0.7 + 0.25 * ticket["severity"]
        row: Row = {
            **dict.fromkeys(("talk_seconds", "hold_seconds", "wrap_seconds", "session_seconds", "follow_up_seconds", "work_seconds", "concurrency"), ""),
            "external_id": f"{ticket['external_id']}-i1",
            "ticket": ticket["external_id"],
            "agent_email": ticket["assignee_email"],
            "channel": ticket["channel"],
        }
        row["ended_at"] = ended.isoformat()
        if ticket["channel"] == "phone":
            yield {**row, "talk_seconds": int(weight * dice.uniform(180, 900)), "hold_seconds": dice.randint(0, 120), "wrap_seconds": dice.randint(60, 240)}
        elif ticket["channel"] == "chat":
            yield {**row, "session_seconds": int(weight * dice.uniform(240, 1200)), "follow_up_seconds": dice.randint(0, 300), "concurrency": dice.choice((1, 2, 2, 3))}
        else:
            yield {**row, "work_seconds": int(weight * dice.uniform(300, 1500))}
