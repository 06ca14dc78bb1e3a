"""What can be wrong with a file, and where. Pure but for translation."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Rejection:
    """A row that was not loaded: where it stands and why.

    `row` counts as spreadsheets do: the header is row 1. 0 stands for the file as a whole.
    """

    file: str
    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = _("%(file)s: row %(row)d") % {"file": self.file, "row": self.row} if self.row else self.file
        if self.column:
            place = _("%(place)s, column “%(column)s”") % {"place": place, "column": self.column}
        return f"{place}: {self.reason}"


class FileFault(ValueError):
    """The file cannot be read on: nothing of it is loaded, not even its good rows."""

    def __init__(self, reason: str, *, row: int = 0, column: str = ""):
        self.reason, self.row, self.column = reason, row, column
        super().__init__(reason)


class WrongMap(ValueError):
    """A map or profile that says something the importer does not know."""


class LoadRefused(Exception):
    """Rows were rejected and only good files are wanted: everything is rolled back."""


class UndoRefused(ValueError):
    """A batch cannot be undone; `reasons` names the rows."""

    def __init__(self, reasons: list[str]):
        self.reasons = reasons
        super().__init__("; ".join(reasons[:5]))
