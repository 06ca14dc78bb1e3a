"""How promised times are shown: a word, a sign, the time left; never by colour alone."""

from __future__ import annotations

from babel.dates import format_timedelta
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import drawing, wording
from tickets.clock import Standing
from tickets.models import TicketChange
from tickets.models.tickets import Severity, Ticket
from tickets.times import Lasted

register = template.Library()
_SIGNS = {"late": "clock-alert", "soon": "clock", "on_time": "clock", "resting": "pause", "kept": "check", "broken": "clock-alert"}
_TONES = {"late": "late", "broken": "late", "soon": "soon", "resting": "paused", "kept": "paused", "on_time": ""}


def span(seconds: int) -> str:
    """A length of time in its two largest units: 2 days 3 hours, 1 hour 40 minutes; below a minute, one minute."""
    minutes = max(1, abs(seconds) // 60)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [(days, "day", 86400), (hours, "hour", 3600), (minutes, "minute", 60)]
    first = next(index for index, (number, _unit, _size) in enumerate(parts) if number)
    chosen = [part for part in parts[first : first + 2] if part[0]]
    return " ".join(format_timedelta(number * size, granularity=unit, threshold=10**6, format="short", locale=wording.locale()) for number, unit, size in chosen)  # type: ignore[arg-type]


@register.simple_tag
def promise(held: Standing | None) -> SafeString:
    """Where a promise stands, in words; a dash where none was made."""
    if held is None:
        return SafeString('<span class="dim">–</span>')
    text = {
        "late": _("%(time)s late"), "broken": _("%(time)s late"), "soon": _("%(time)s left"), "on_time": _("%(time)s left"),
        "resting": _("resting, %(time)s left"), "kept": _("kept"),
    }[held.state] % {"time": span(held.seconds)}  # fmt: skip
    exact = wording.exact(held.due_at) if held.due_at else ""
    counts = SafeString("")
    if held.due_at and held.state in {"late", "soon", "on_time"}:
        # for the script that lets the clock count: when it is due, from when on that is soon, and the words
        soon = (held.due_at - held.soon_from).total_seconds() if held.soon_from else 0
        counts = format_html(' data-due="{}" data-soon="{}" data-left="{}" data-late="{}"', held.due_at.isoformat(), int(soon), _("%(time)s left"), _("%(time)s late"))
    said = format_html('<time datetime="{}">{}</time>', held.due_at.isoformat(), text) if held.due_at else format_html("<span>{}</span>", text)
    return format_html('<span class="sla {}" title="{}"{}>{}{}</span>', _TONES[held.state], exact, counts, drawing.icon(_SIGNS[held.state], 13), said)


LENGTHS = {
    "first_reply": gettext_lazy("First reply"), "requester_wait": gettext_lazy("Customer waited for us"), "agent_wait": gettext_lazy("We waited for the customer"),
    "on_hold": gettext_lazy("On hold"), "stood_resolved": gettext_lazy("Stood solved before it was reopened"), "first_resolution": gettext_lazy("First resolution"),
    "full_resolution": gettext_lazy("Full resolution"),
}  # fmt: skip


@register.filter
def length_word(name: str) -> str:
    """What a length of a ticket is called. Raises KeyError."""
    return str(LENGTHS[name])


@register.simple_tag
def lasted(length: Lasted | None, kind: str) -> SafeString:
    """One length by the calendar or in business hours; a dash until it has ended."""
    if length is None:
        return format_html('<span class="dim" title="{}">–</span>', _("Not yet, or not known"))
    seconds = getattr(length, kind)
    short = format_timedelta(seconds, granularity="second", threshold=60, format="short", locale=wording.locale())  # type: ignore[arg-type]
    return format_html("{}", span(seconds) if seconds >= 60 else short)


@register.simple_tag
def severity(level: int | None) -> SafeString:
    """A severity as number and word; the two worst stand out."""
    if level is None:
        return SafeString('<span class="dim">–</span>')
    return format_html('<span class="{}">{} {}</span>', "late" if level >= Severity.HIGH else "", level, Severity(level).label)


@register.filter
def told(change: TicketChange) -> str:
    """One entry of the status log as a sentence without its subject."""
    kind = TicketChange.Kind
    states, levels = dict(Ticket.Status.choices), {str(value): label for value, label in Severity.choices}
    values = {"before": states.get(change.value_before, change.value_before), "value": states.get(change.value, change.value)}
    if change.kind == kind.CREATED:
        return _("opened the ticket")
    if change.kind == kind.STATUS:
        return _("%(before)s → %(value)s") % values if change.value_before else _("set to %(value)s") % values
    if change.kind == kind.ASSIGNED:
        return _("given to %(value)s") % values if change.value else _("given to nobody")
    if change.kind == kind.SEVERITY:
        return _("severity %(before)s → %(value)s") % {name: levels.get(raw, "–") for name, raw in (("before", change.value_before), ("value", change.value))}
    if change.kind == kind.CATEGORY:
        return _("category %(before)s → %(value)s") % {"before": change.value_before or "–", "value": change.value or "–"}
    if change.kind == kind.ESCALATED:
        return _("escalated") if change.value == "true" else _("no longer escalated")
    if change.kind == kind.SPAM:
        return _("marked as spam") if change.value == "true" else _("no longer spam")
    if change.kind == kind.CONTACT:
        return _("now of %(value)s") % values if change.value else _("now of nobody in particular")
    if change.kind == kind.COPY:
        return _("%(value)s reads along") % values if change.value else _("%(before)s no longer reads along") % values
    if change.kind == kind.MERGED:
        return _("ticket #%(value)s was merged into this one") % values
    return str(change.get_kind_display())
