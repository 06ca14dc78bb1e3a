"""What was read for a page is not read again for its next figure: within `one_reading` equal questions are answered once.

Figures of a panel often rest on the same rows: three horizons of one curve, lifetime value in four ways over one
ARPA, losses by reason in MRR and in customers. Outside of `one_reading` nothing is kept.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from metrics.kpis.entry import MRR_PARAMS
from metrics.kpis.question import Question

# of a long series the first readings are dropped again
_MOST = 24
_FOUND: ContextVar[dict[Any, Any] | None] = ContextVar("found", default=None)
Found = TypeVar("Found")
Given = ParamSpec("Given")


@contextmanager
def one_reading() -> Iterator[None]:
    """Until it is left, functions marked `read_once` work out equal questions once; an inner reading is part of the outer."""
    if _FOUND.get() is not None:
        yield
        return
    mark = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(mark)


def read_once(
    *names: str,
) -> Callable[[Callable[Concatenate[Question, Given], Found]], Callable[Concatenate[Question, Given], Found]]:
    """Marks a function that rests on accounts, period and the conventions of MRR of its question alone, and whose result nobody changes.

    `names` are further parameters of the question that it looks at. Its other arguments are part of what is asked and must be hashable.
    """

    def marked(work: Callable[Concatenate[Question, Given], Found]) -> Callable[Concatenate[Question, Given], Found]:
        @functools.wraps(work)
        def reading(question: Question, *args: Given.args, **kwargs: Given.kwargs) -> Found:
            found = _FOUND.get()
            if found is None:
                return work(question, *args, **kwargs)
            key = (work.__module__, work.__qualname__, _asked(question, names), args, tuple(sorted(kwargs.items())))
            if key not in found:
                if len(found) >= _MOST:
                    del found[next(iter(found))]
                found[key] = work(question, *args, **kwargs)
            result: Found = found[key]
            return result

        return reading

    return marked


def _asked(question: Question, names: tuple[str, ...]) -> tuple[Any, ...]:
    return (
        question.start, question.until, question.horizon, str(question.zone), question.currency, question.segment, tuple(sorted(question.filters.items())), question.scope,
        question.nobody, tuple(question.params.get(name) for name in (*MRR_PARAMS, *names)),
    )  # fmt: skip
