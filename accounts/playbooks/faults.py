"""What is wrong with a playbook, and where. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlaybookFault:
    """One thing that is wrong: the place (`steps.2.go`) and what was expected there, in the reader's language."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class PlaybookFaults(ValueError):
    """A playbook that cannot run; `faults` in the order of the places."""

    def __init__(self, faults: Sequence[PlaybookFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))
