# Vefa: `make up` runs it, `make test` tests it. Everything else is a detail of these two.
#
# Needs make and Python 3.11 or newer with venv; nothing else, and no rights beyond this folder.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
UV := uv==0.13.9
export UV_PYTHON_DOWNLOADS := never

# $(call install,FILE): installs a list of packages, unless this very list was installed last time.
# uv is fast; where it cannot be had or cannot reach the packages, pip does the same more slowly.
# uv does not read pip's configuration, so the package index configured there is handed on.
define install
	@stamp=$(VENV)/.installed-$(1); wanted=$$(cat requirements.txt $(1) | cksum); \
	if [ ! -x $(RUN) ] || ! $(RUN) -c pass 2>/dev/null; then \
	  $(PYTHON) -c 'import sys; sys.exit("Vefa needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name one with PYTHON=...") if sys.version_info < (3, 11) else None' || exit 1; \
	  rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	fi; \
	if [ "$$(cat $$stamp 2>/dev/null)" = "$$wanted" ]; then exit 0; fi; \
	echo "Installing $(1) into $(VENV)"; rm -f $$stamp; \
	pip="$(RUN) -m pip --disable-pip-version-check --no-input"; \
	index=$$($$pip config get global.index-url 2>/dev/null || true); \
	find=$$($$pip config get global.find-links 2>/dev/null || true); \
	if $$pip install --quiet '$(UV)' \
	  && UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$index}}" UV_FIND_LINKS="$${UV_FIND_LINKS:-$${PIP_FIND_LINKS:-$$find}}" \
	     $(RUN) -m uv pip install --quiet --python $(RUN) -r $(1); \
	then :; else echo "uv could not install them; pip does it instead, which takes a little longer"; $$pip install --quiet -r $(1) || exit 1; fi; \
	echo "$$wanted" > $$stamp
endef

.PHONY: up install install-dev test soak check format messages clean help

up: install ## Run Vefa until Ctrl-C. ARGS="--no-demo" starts empty.
	@exec $(RUN) manage.py up $(ARGS)

install: ## Make .venv and install what running needs.
	$(call install,requirements.txt)

install-dev: install ## Install what tests and checks need as well.
	$(call install,requirements-dev.txt)

test: install-dev ## All tests, on real servers. ARGS="tests/accounts -x" narrows them down.
	$(RUN) -m pytest -n 2 --dist worksteal -m "not soak" $(ARGS)

soak: install-dev ## The storms and long histories in full; takes long.
	VEFA_SOAK=1 $(RUN) -m pytest -m soak $(ARGS)

# Addresses nobody answers: these checks read settings and touch no server.
NOWHERE := DATABASE_URL=postgresql://nobody@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0
DEPLOYED := PUBLIC_BASE_URL=https://vefa.example.com BEHIND_PROXY=1 DEFAULT_FROM_EMAIL=vefa@example.com VEFA_DOTENV=0

check: install-dev ## Style, types, templates, settings, migrations, architecture.
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djlint --lint --quiet templates
	$(NOWHERE) $(DEPLOYED) $(VENV)/bin/mypy accounts tickets surveys metrics config
	$(NOWHERE) $(DEPLOYED) $(RUN) manage.py check --deploy --fail-level WARNING
	VEFA_DOTENV=0 $(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -m pytest tests/architecture

format: install-dev ## Bring the code into its form.
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Without date and lines of the source in it, the catalogue differs only where words do.
messages: install-dev ## Collect the texts into locale/; needs GNU gettext.
	$(NOWHERE) VEFA_DOTENV=0 $(RUN) manage.py makemessages -v 0 -l tr -e html,txt,py,mjml --add-location file --no-wrap --no-obsolete -i .venv -i var -i tests -i docs
	@sed -i.old -e '/^"POT-Creation-Date:/d' -e '/^"Report-Msgid-Bugs-To:/d' -e '/^#|/d' -e '/^# |/d' locale/tr/LC_MESSAGES/django.po && rm -f locale/tr/LC_MESSAGES/django.po.old
	@echo "$$(( $$(msgattrib --untranslated locale/tr/LC_MESSAGES/django.po | grep -c '^msgid') + $$(msgattrib --only-fuzzy locale/tr/LC_MESSAGES/django.po | grep -c '^msgid') )) lines wait for their Turkish (fuzzy ones are guesses)"

clean: ## Remove what can be made again; data stay.
	rm -rf .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

help: ## This list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
