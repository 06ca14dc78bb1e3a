"""Imports go down only, between apps and inside each; the house keeps its other written rules.

The table here is the law of `docs/architecture.md` in code: change both together.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# an app may import from the apps named here (and from itself)
MAY_IMPORT = {
    "accounts": set(),
    "tickets": {"accounts"},
    "surveys": {"accounts"},
    "metrics": {"accounts", "tickets", "surveys"},
    "config": {"accounts", "tickets", "surveys", "metrics"},
}
# by the first part of a module's path inside its app; what is not named is pure (5)
EDGES, SHAPES, ACTIONS, MODELS, PURE = 1, 2, 3, 4, 5
LAYER = {
    "views": EDGES, "api": EDGES, "admin": EDGES, "tasks": EDGES, "management": EDGES, "urls": EDGES, "session_urls": EDGES, "public_urls": EDGES,
    "apps": EDGES, "templatetags": EDGES,
    "forms": SHAPES, "programme_forms": SHAPES, "editor_forms": SHAPES, "topic_form": SHAPES, "funnel_form": SHAPES, "work_forms": SHAPES,
    "actions": ACTIONS, "queries": ACTIONS, "rest": ACTIONS, "importing": ACTIONS, "imports": ACTIONS, "explained": ACTIONS, "dashboards": ACTIONS, "lifetime_page": ACTIONS, "restated": ACTIONS, "roi": ACTIONS, "catalogue": ACTIONS, "reports": ACTIONS, "kpis": ACTIONS, "decisions": ACTIONS, "ledger": ACTIONS, "charts": ACTIONS, "filters": ACTIONS, "support": ACTIONS, "funnels": ACTIONS, "voice": ACTIONS, "voice_and_money": ACTIONS, "team": ACTIONS, "sql": ACTIONS, "backtest": ACTIONS, "churn_risk": ACTIONS, "lifecycle": ACTIONS, "health": ACTIONS, "segments": ACTIONS, "usage": ACTIONS, "playbook_history": ACTIONS,
    "mail": ACTIONS, "planning": ACTIONS, "facts": ACTIONS,
    "signed_in": MODELS, "models": MODELS, "querysets": MODELS, "fields": MODELS, "roles": MODELS, "migrations": MODELS,
}  # fmt: skip
# a shape of the ground that the pages of every app embed: the builder of rules, one language for all of them
SHARED_SHAPES = ("accounts.forms.rules.",)
# pure modules that draw or word for pages may know Django's templates and translation, nothing of the database
FACE = {"drawing", "wording", "sentences", "timeline", "words", "placeholders", "icons"}
SAYS_NOTHING = re.compile(r"(^|[/_])(utils?|helpers?|common|misc|managers?|core)(\.py$|/)")


def python_files(*apps: str) -> list[Path]:
    return [path for app in apps for path in sorted((ROOT / app).rglob("*.py")) if "__pycache__" not in path.parts]


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """(module, line, inside a function) of every import of ours; names for type checking only are left out."""
    found: list[tuple[str, int, bool]] = []

    def walk(node: ast.AST, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.extend((name.name, child.lineno, inside) for name in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
                found.extend((f"{child.module}.{name.name}", child.lineno, inside) for name in child.names)
            walk(child, inside or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)))

    walk(ast.parse(path.read_text()), False)
    return [entry for entry in found if entry[0].split(".")[0] in MAY_IMPORT]


def layer(module: list[str]) -> int:
    if len(module) < 2:
        return MODELS
    # the administration of an app, one file a noun
    return EDGES if module[1].startswith("admin_") else LAYER.get(module[1], PURE)


@pytest.mark.parametrize("app", ["accounts", "tickets", "surveys", "metrics"])
def test_imports_go_down(app):
    wrong = []
    for path in python_files(app):
        here = [*path.relative_to(ROOT).with_suffix("").parts]
        if "migrations" in here:
            continue
        for name, line, _inside in imports(path):
            there = name.split(".")
            place = f"{path.relative_to(ROOT)}:{line} imports {name}"
            if there[0] == app:
                if layer(there) < layer(here):
                    wrong.append(f"{place}: upward inside the app")
            elif there[0] not in MAY_IMPORT[app]:
                wrong.append(f"{place}: {app} may not know {there[0]}")
            elif layer(there) < ACTIONS and not name.startswith(SHARED_SHAPES):
                wrong.append(f"{place}: an edge or shape of another app")
    assert not wrong, "\n".join(wrong)


def test_there_is_one_clock():
    wrong = []
    for path in python_files("accounts", "tickets", "surveys", "metrics", "config"):
        place = path.relative_to(ROOT)
        # the clock itself, and the two that set or generate real time
        if "migrations" in place.parts or "benchmarks" in place.parts or str(place) in {"accounts/queries/clock.py", "config/sandbox/turning.py"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"\btimezone\.now\b|\blocal(date|time)\(\)|SELECT statement_timestamp\(\)", line):
                wrong.append(f"{place}:{number}: ask accounts.queries.clock")
    assert not wrong, "\n".join(wrong)


def test_no_import_hides_in_a_function():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name} inside a function"
        for path in python_files("accounts", "tickets", "surveys", "metrics")
        for name, line, inside in imports(path)
        if inside and "migrations" not in path.parts
    ]
    assert not wrong, "\n".join(wrong)


def test_pure_modules_know_no_database_and_no_clock():
    wrong = []
    for path in python_files("accounts", "tickets", "surveys", "metrics"):
        here = [*path.relative_to(ROOT).with_suffix("").parts]
        if layer(here) != PURE or path.name == "__init__.py" or here[-1] in FACE:
            continue
        text = path.read_text()
        if re.search(r"^\s*(from|import) django\.(db|utils\.timezone|core\.cache)", text, re.M):
            wrong.append(f"{path.relative_to(ROOT)}: Django's database, cache or clock in a pure module")
        if re.search(r"\b(datetime|dt\.datetime|dt\.date|date)\.(now|today|utcnow)\(", text):
            wrong.append(f"{path.relative_to(ROOT)}: reads the clock")
    assert not wrong, "\n".join(wrong)


def test_only_edges_read_the_clock_and_start_tasks():
    wrong = []
    for path in python_files("accounts", "tickets", "surveys", "metrics"):
        here = [*path.relative_to(ROOT).with_suffix("").parts]
        # `rest` is the frame that the API edges of every app are made of
        if layer(here) <= EDGES or here[1] == "rest" or "migrations" in here or here == ["accounts", "queries", "clock"]:
            continue
        text = path.read_text()
        for pattern, what in ((r"timezone\.now\(\)", "reads the clock"), (r"\.(delay|apply_async|delay_on_commit)\(", "starts a task")):
            wrong += [f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1} {what}" for match in re.finditer(pattern, text)]
    assert not wrong, "\n".join(wrong)


def test_no_django_signals_for_behaviour():
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("accounts", "tickets", "surveys", "metrics")
        if re.search(r"django\.db\.models\.signals|@receiver|\.connect\(", path.read_text())
    ]
    assert not wrong


def test_names_tell_what_things_are():
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files(*MAY_IMPORT)
        if SAYS_NOTHING.search("/" + str(path.relative_to(ROOT)).removeprefix("/")) and "/management/" not in f"/{path}"
    ]
    assert not wrong


def test_top_level_holds_what_the_house_says():
    allowed = {
        "manage.py", "config", "accounts", "surveys", "tickets", "metrics", "templates", "tests", "requirements.txt", "requirements-dev.txt", "README.md", "CONTRIBUTING.md",
        "LICENSE", "CHANGELOG.md", "Makefile", "pyproject.toml", ".env.example", "docs", "locale", ".ci", ".gitignore", ".git", ".github",
    }  # fmt: skip
    local = {".venv", "var", ".env", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis", "__pycache__"}
    assert {path.name for path in ROOT.iterdir()} - local <= allowed


def test_templates_keep_the_content_security_policy():
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "mail" in path.relative_to(ROOT).parts:
            continue
        text = path.read_text()
        for pattern, what in (
            (r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", "inline script"), (r"<style\b", "inline style"), (r"\sstyle=", "style attribute"),
            (r"\son[a-z]+=", "event attribute"), (r"hx-on", "hx-on"), (r"\b(?:src|href)=\"https?://", "outside asset"), (r"\|\s*safe\b", "unescaped text"),
        ):  # fmt: skip
            wrong += [f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1} {what}" for match in re.finditer(pattern, text)]
    assert not wrong, "\n".join(wrong)


def test_files_stay_short():
    """At most 400 lines; a longer one must be split by noun."""
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in python_files(*MAY_IMPORT)}
    # what Django generated is as long as it is
    long = {name: count for name, text in texts.items() if (count := len(text.splitlines())) > 400 and not text.startswith("# Generated by Django")}
    assert not long, long
