"""All settings, from the environment (see `.env.example`). Wrong values stop the start by name.

`DATABASE_URL` and `REDIS_URL` are always set when this module loads: `manage.py` and the
supervisor resolve the embedded servers first (`config/services/`).
"""

import os
from urllib.parse import urlsplit

import environ

from config.environment import ROOT, Reader, data_folder, load_dotenv
from config.services.secrets import secret_key

load_dotenv()
read = Reader(os.environ)

BASE_DIR = ROOT
VEFA_DATA = data_folder(os.environ)
VEFA_DEMO = read.boolean("VEFA_DEMO", "1")

# ── Identity of the installation ────────────────────────────────────────────
DEBUG = read.boolean("DEBUG", "0")
PORT = read.port("PORT", "8000")
PUBLIC_BASE_URL = read.http_url("PUBLIC_BASE_URL", f"http://127.0.0.1:{PORT}")
ORGANISATION_TIME_ZONE = read.time_zone("ORGANISATION_TIME_ZONE", "UTC")
REPORTING_CURRENCY = read.currency("REPORTING_CURRENCY", "EUR")
SECRET_KEY = secret_key(os.environ, VEFA_DATA)
_public = urlsplit(PUBLIC_BASE_URL)
ALLOWED_HOSTS = read.names("ALLOWED_HOSTS", f"{_public.hostname},127.0.0.1,localhost,[::1]")
HTTPS = _public.scheme == "https"

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
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
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
        **environ.Env.db_url_config(read.database_url("DATABASE_URL")),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
    }
}
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {
        "pool": {"min_size": 1, "max_size": 8, "timeout": 10},
        # an installation's own time limits; long sweeps raise them with SET LOCAL
        "options": "-c statement_timeout=120000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000 -c jit=off",
    }
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Valkey: broker, cache and throttles in separate databases ───────────────
REDIS_URL = read.redis_url("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "vefa",
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
WHITENOISE_MAX_AGE = 3600
FILE_UPLOAD_PERMISSIONS = 0o640

# ── Mail ────────────────────────────────────────────────────────────────────
# VEFA_CATCHER_PORT is set by the supervisor (or a command) that runs the embedded catcher.
EMAIL_CONFIGURED = bool(os.environ.get("EMAIL_URL"))
_email = read.email("EMAIL_URL", f"smtp://127.0.0.1:{os.environ.get('VEFA_CATCHER_PORT') or 2525}")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _email.host, _email.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.user, _email.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _email.use_ssl, _email.use_starttls
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = read.from_address("DEFAULT_FROM_EMAIL", "Vefa <vefa@localhost.localdomain>")

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
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if read.boolean("BEHIND_PROXY", "0") else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
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
}

# ── Logging: one line an event, no personal data ────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "django.security.DisallowedHost": {"level": "CRITICAL"}},
}
TEST_RUNNER = "django.test.runner.DiscoverRunner"
