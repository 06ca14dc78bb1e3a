"""JSON in and JSON out, and nothing that the database could choke on."""

from __future__ import annotations

import json
import math
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from accounts.rest.problems import Malformed, TooLarge

DEPTH = 20


class StrictJSON(BaseParser):
    """Strict JSON in UTF-8: no NaN, no NUL and no half of a surrogate pair in a text, 20 levels at most."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The data of the body. Raises ParseError, Malformed, TooLarge."""
        try:
            raw = stream.read() if not hasattr(stream, "body") else stream.body
        except RequestDataTooBig as fault:
            raise TooLarge from fault
        try:
            data = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_constant)
        except (ValueError, RecursionError) as fault:
            raise ParseError(_("The body is no valid JSON: %(fault)s") % {"fault": str(fault)[:200]}) from fault
        _check(data)
        return data


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class _Fault(Exception):
    """A value that cannot be taken; the way to it is put together while the stack unwinds."""

    def __init__(self, detail: str, code: str):
        self.detail, self.code = detail, code
        self.path: list[Any] = []


def _check(data: Any) -> None:
    """Raises Malformed for a text or a number that cannot be stored, or for data nested too deeply."""
    try:
        _visit(data, 0)
    except _Fault as fault:
        path = [str(part).encode("utf-8", "replace").decode().replace("\x00", "\ufffd")[:60] for part in reversed(fault.path)]
        entry = {"field": ".".join(path), "pointer": "#" + "".join(f"/{part}" for part in path), "detail": fault.detail, "code": fault.code}
        raise Malformed(fault.detail, fault.code, extra={"errors": [entry]}) from None


def _visit(value: Any, depth: int) -> None:
    kind = type(value)
    if kind is str:
        if "\x00" in value:
            raise _Fault(_("A text cannot hold the sign NUL."), "null_characters_not_allowed")
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise _Fault(_("A text holds half of a surrogate pair."), "surrogate_characters_not_allowed")
    elif kind is float:
        if not math.isfinite(value):
            raise _Fault(_("The number is too large."), "max_value")
    elif kind is dict or kind is list:
        if depth >= DEPTH:
            raise _Fault(_("The body is nested more than %(depth)s levels deep.") % {"depth": DEPTH}, "too_deep")
        pairs = value.items() if kind is dict else enumerate(value)
        for key, inner in pairs:
            try:
                if kind is dict:
                    _visit(key, depth + 1)
                _visit(inner, depth + 1)
            except _Fault as fault:
                fault.path.append(key)
                raise


class JsonAlways(BaseContentNegotiation):
    """There is one form of answer, whatever `Accept` says."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """The parser for the sent type; None makes 415."""
        sent = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """The first one."""
        return renderers[0], renderers[0].media_type
