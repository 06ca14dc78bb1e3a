"""All settings, from the environment (see `.env.example`). Wrong values stop the start by name.

`DATABASE_URL` and `REDIS_URL` are always set when this module loads: `manage.py` and the
supervisor resolve the embedded servers first (`config/services/`).
"""

import os
from urllib.parse import urlsplit

import environ

from config.environment import ROOT, Email, WrongSetting, load_dotenv, read_environment
from config.services.secrets import kept_secret_key

load_dotenv()
given = read_environment(os.environ)
if given.database_url is None:
    raise WrongSetting("DATABASE_URL", "", "an address, because this process was started without manage.py, which would bring the embedded server")
if given.redis_url is None:
    raise WrongSetting("REDIS_URL", "", "an address, because this process was started without manage.py, which would bring the embedded server")

BASE_DIR = ROOT
VEFA_DATA = given.data
VEFA_DEMO = given.demo
# set for the processes of a sandbox alone (config/sandbox/): its database, its clock, mails to its own catcher, nobody nudged
SANDBOX = os.environ.get("VEFA_SANDBOX") == "1"

# ── Identity of the installation ────────────────────────────────────────────
DEBUG = given.debug
PORT = given.port
PUBLIC_BASE_URL = given.public_base_url
ORGANISATION_TIME_ZONE = given.organisation_time_zone
REPORTING_CURRENCY = given.reporting_currency
# whose working days plans are made in; kept beside the hours of tickets, asked for from below
WORKING_DAYS = "tickets.queries.working_days.organisation_days"
SECRET_KEY = given.secret_key or kept_secret_key(VEFA_DATA)
SECRET_KEY_FALLBACKS = given.secret_key_fallbacks
ALLOWED_HOSTS = given.allowed_hosts
HTTPS = urlsplit(PUBLIC_BASE_URL).scheme == "https"

INSTALLED_APPS = [
    "config.apps.VefaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "csp",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "accounts",
    "tickets",
    "surveys",
    "metrics",
    "config",
]

MIDDLEWARE = [
    "config.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.public_pages.PublicPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.ReaderLocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.ReaderPreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.FragmentCacheMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.frame.frame",
            ],
            "builtins": ["accounts.templatetags.face"],
        },
    }
]

# ── PostgreSQL: one pool a process, never a connect per request ─────────────
DATABASES = {
    "default": {
        **environ.Env.db_url_config(given.database_url),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        # a connection is tried before it is handed out, so a restart of PostgreSQL costs nobody an error
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {
        # on a machine that has no moment to spare a request rather waits for its connection than fails
        "pool": {"min_size": 1, "max_size": 8, "timeout": 20, "reconnect_timeout": 30},
        # an installation's own time limits; long sweeps raise them with SET LOCAL
        "options": "-c statement_timeout=120000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000 -c jit=off",
    }
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Valkey: broker, cache and throttles in separate databases ───────────────
REDIS_URL = given.redis_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "vefa-sandbox" if SANDBOX else "vefa",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}

# ── People ──────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# ── Language and time ───────────────────────────────────────────────────────
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("tr", "Türkçe")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]

# ── Static files: no outside asset, no build step ───────────────────────────
STATIC_URL = "/static/"
STATIC_ROOT = VEFA_DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VEFA_DATA / "files"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 300
FILE_UPLOAD_PERMISSIONS = 0o640

# ── Mail ────────────────────────────────────────────────────────────────────
# Without EMAIL_URL mail goes to the embedded catcher. VEFA_CATCHER_PORT is set by the supervisor
# that runs it; config.services.catcher.embedded_catcher() serves commands where none runs.
EMAIL_CONFIGURED = given.email is not None and not SANDBOX
_email = given.email if given.email and EMAIL_CONFIGURED else Email("127.0.0.1", int(os.environ.get("VEFA_CATCHER_PORT") or 2525), "", "", use_ssl=False, use_starttls=False)
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _email.host, _email.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.user, _email.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _email.use_ssl, _email.use_starttls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = given.default_from_email
# not empty: whoever else a mail is for does not get it (copies for trying things out)
MAIL_ALLOWLIST = frozenset() if SANDBOX else frozenset(given.mail_allowlist)
# a mailbox that somebody reads may stand beside the one-click address in List-Unsubscribe
UNSUBSCRIBE_MAILTO = given.unsubscribe_mailto
# how calls of mail providers to /hooks/in/email/ prove where they come from; nobody is called back
ANYMAIL = {"WEBHOOK_SECRET": given.email_webhook_secrets, "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False, **given.provider_keys}

# webhooks and calls of playbooks go to the open internet by https; with this also to machines inside, and by http
PLAYBOOK_PRIVATE_CALLS = given.playbook_private_calls
# networks inside that they may call by https
OUTWARD_NETWORKS = given.outward_networks

# ── Browser security ────────────────────────────────────────────────────────
from csp.constants import NONE, SELF  # noqa: E402

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if given.behind_proxy else None
SESSION_COOKIE_NAME = "__Host-vefa" if HTTPS else f"vefa-{PORT}"
CSRF_COOKIE_NAME = "__Host-vefa-csrf" if HTTPS else f"vefa-csrf-{PORT}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_SAVE_EVERY_REQUEST = False
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024

# ── API ─────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.ScopePermission"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.KeyThrottle"],
    "EXCEPTION_HANDLER": "accounts.api.problems.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Vefa API",
    "VERSION": "1",
    "DESCRIPTION": "Push accounts, usage, tickets and billing in; take scores, answers and figures out.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ActorKind": "tickets.models.tickets.ActorKind",
        "Channel": "tickets.models.tickets.Channel",
        "Decision": ["send", "hold", "skip"],
        "DeliveryStatus": "accounts.models.WebhookDelivery.Status",
        "EventKind": "accounts.api.serializers.EVENT_CHOICES",
        "EventStatus": ["created", "duplicate"],
        "HealthBand": "accounts.models.snapshots.Band",
        "InvitationStatus": "surveys.models.Invitation.Status",
        "SubscriptionKind": "accounts.models.Subscription.Kind",
        "SubscriptionStatus": "accounts.models.Subscription.Status",
        "SurveyKind": "surveys.models.surveys.SurveyKind",
        "TicketChangeKind": "tickets.models.TicketChange.Kind",
        "TicketStatus": "tickets.models.Ticket.Status",
        "TimelineKind": "accounts.api.serializers.TIMELINE_CHOICES",
        "TransactionKind": "accounts.models.Transaction.Kind",
        "TransactionStatus": "accounts.models.Transaction.Status",
        "WorkItemStatus": "accounts.models.WorkItem.Status",
    },
}

# ── Logging: one line an event, no personal data ────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        # the catcher within a command would write addresses
        "mail.log": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
TEST_RUNNER = "django.test.runner.DiscoverRunner"
