"""Papers that are made from code stay what the code says."""

import re
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_of_events_is_the_vocabulary():
    made = import_module("config.management.commands.document-events").markdown()
    assert (ROOT / "docs" / "events.md").read_text() == made, "run: manage.py document-events > docs/events.md"


def test_every_paper_named_in_the_readme_exists():
    readme = (ROOT / "README.md").read_text()
    linked = re.findall(r"\]\(([\w./-]+)\)", readme)
    assert linked
    assert [path for path in linked if not (ROOT / path).exists()] == []
