"""The one settings file. Every knob is an environment variable, and each has its comment here and its row in
docs/configuration.md (a test compares the two)."""

from pathlib import Path

import dj_database_url
from environs import Env
from marshmallow.validate import OneOf

from config.embedded import places

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# Where the embedded servers, logs and demo.json live.
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var"))).resolve()

# --- Database -----------------------------------------------------------------------------------------------

# Which database role this process works as: owner (migrations), app (web), worker (RQ, beat) or eraser.
# manage.py picks it from the command; set it only for a server started some other way. `administrator` takes no role:
# it is the login itself, and makes the others (manage.py roles).
DATABASE_ROLE = env.str("DATABASE_ROLE", "app", validate=OneOf(["owner", "app", "worker", "eraser", "administrator"]))

# postgres://user:password@host/name of your own PostgreSQL (15 or newer). Without it the embedded one is used.
DATABASE_URL = env.str("DATABASE_URL", "")

# A login of its own for each role; the process working as that role uses it instead of DATABASE_URL.
ROLE_URLS = {
    "owner": env.str("DATABASE_URL_OWNER", ""),
    "app": env.str("DATABASE_URL_APP", ""),
    "worker": env.str("DATABASE_URL_WORKER", ""),
    "eraser": env.str("DATABASE_URL_ERASER", ""),
}

# True where the embedded PostgreSQL runs: the only place with demo sign-ins and demo keys.
EMBEDDED = not (DATABASE_URL or any(ROLE_URLS.values()))

# Most database connections one web process keeps open; 0 opens one per request thread without a pool.
DATABASE_POOL = env.int("DATABASE_POOL", 0)

# Have connections keep the plans of what is asked often. Set to 0 behind a pooler in transaction mode, unless it is
# PgBouncer 1.22 or newer with max_prepared_statements above 0.
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", True)

DATABASES = {
    "default": dj_database_url.parse(
        ROLE_URLS.get(DATABASE_ROLE) or DATABASE_URL or places.postgres_url(VAR_DIR, DATABASE_ROLE),
        conn_health_checks=True,
        conn_max_age=0 if DATABASE_POOL else 300,
    )
}
OPTIONS = DATABASES["default"].setdefault("OPTIONS", {})
OPTIONS.setdefault("connect_timeout", 3)
# A network that swallows packets ends a request in seconds, not in the kernel's two hours (nothing on a Unix socket).
for name, value in {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}.items():
    OPTIONS.setdefault(name, value)
OPTIONS.setdefault("tcp_user_timeout", 9_000)
# What reviewqueue/rows.py asks a third time; all else has its values in the statement, and is never prepared.
OPTIONS["prepare_threshold"] = 2 if DATABASE_PREPARE else None
# Our joins follow keys outward from one row, in the order in which they are written: searching for a better order among
# a dozen tables costs the planner far more than running the query.
OPTIONS["options"] = f"{OPTIONS.get('options', '')} -c join_collapse_limit=4"
if DATABASE_ROLE != "administrator":
    # A login that may be more (a superuser in a test, a shared login) is brought down to its role's rights. Django's
    # own assume_role waits for itself when connections come from a pool.
    OPTIONS["options"] += f" -c role=reviewqueue_{DATABASE_ROLE}"
if DATABASE_ROLE in ("app", "worker"):
    # A plan that is kept was made when the tables were smaller: one that reads a table of fifty rows as a whole is fast
    # until there are thousands. What has no index is still read as a whole, and up to PostgreSQL 17 such a scan counts
    # as so dear that it would be compiled. The options of DATABASE_URL come after these.
    OPTIONS["options"] = f"-c enable_seqscan=off -c jit=off {OPTIONS['options']}"
    # Whoever stops in the middle of a transaction, with locks in hand, does not stop all others.
    OPTIONS["options"] += " -c lock_timeout=9s -c idle_in_transaction_session_timeout=30s"
if DATABASE_POOL:
    # After reconnect_timeout the next request asks for a connection anew. Left to itself the pool waits twice as long
    # after each failure: a minute without PostgreSQL would be two for whoever comes.
    OPTIONS["pool"] = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 2, "reconnect_timeout": 1}

# --- Redis --------------------------------------------------------------------------------------------------

# redis://user:password@host:6379/0 or unix:///path of your own Redis (6.2 or newer).
# Without it the embedded one is used.
REDIS_URL = env.str("REDIS_URL", "") or places.redis_url(VAR_DIR)

RQ_QUEUES = {
    # One job queue per worker process: RQ hands jobs over safely only when a worker listens on a single one.
    "deliver": {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 60, "SERIALIZER": "rq.serializers.JSONSerializer"},
}

# --- Security -----------------------------------------------------------------------------------------------

# Signs sessions and forms. Needed with your own database; the embedded default makes one in var/.
SECRET_KEY = env.str("SECRET_KEY", "") or (places.secret_key(VAR_DIR) if EMBEDDED else "")

# Django's debug pages. Never in production.
DEBUG = env.bool("DEBUG", False)

# Host names this site answers to, comma separated.
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

# https://… origins that may post forms when a proxy ends TLS, comma separated.
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# Set to 1 behind TLS: cookies become secure, HSTS is sent, http redirects to https.
HTTPS = env.bool("HTTPS", False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "reviewqueue.refusals.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Host names or addresses of webhook receivers on your own network, comma separated. All other private,
# loopback and link-local addresses are refused.
WEBHOOK_PRIVATE_HOSTS: list[str] = env.list("WEBHOOK_PRIVATE_HOSTS", ["127.0.0.1", "localhost"] if EMBEDDED else [])

# --- Limits of the bots' door (docs/api.md) ------------------------------------------------------------------

# Largest request body, bytes.
API_BODY_BYTES = env.int("API_BODY_BYTES", 1_048_576)
# Most drafts in one batch.
API_BATCH = env.int("API_BATCH", 500)
# Largest single text, bytes of UTF-8.
API_TEXT_BYTES = env.int("API_TEXT_BYTES", 65_536)
# Most messages in a submitted conversation.
API_MESSAGES = env.int("API_MESSAGES", 200)
# Largest metadata object, bytes of JSON.
API_METADATA_BYTES = env.int("API_METADATA_BYTES", 4_096)
# Deepest nesting of a request body.
API_DEPTH = env.int("API_DEPTH", 32)

# --- The house ----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_rq",
    "reviewqueue",
]

MIDDLEWARE = [
    "reviewqueue.refusals.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Padded at random, and every token of a form is masked anew: the length of a page tells nothing of what is in it.
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "reviewqueue.desk.locale.LocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "reviewqueue.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reviewqueue.desk.page.page",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "reviewqueue.desk.cached_tags",
                "reviewqueue.desk.tags",
            ],
        },
    }
]

AUTH_USER_MODEL = "reviewqueue.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "desk"
LOGOUT_REDIRECT_URL = "sign-in"

# Sessions live in PostgreSQL: losing Redis signs nobody out, and an old copy of it revives no session.
SESSION_ENGINE = "reviewqueue.desk.session"

LANGUAGE_CODE = "en"
# Languages the pages are written in; what customers and bots write may be in any.
LANGUAGES = [
    ("en", "English"),
    ("de", "German"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("ja", "Japanese"),
    ("ar", "Arabic"),
]
LOCALE_PATHS = [BASE_DIR / "reviewqueue/locale"]
# Chosen on the sign-in page, before anybody knows who it is.
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = HTTPS
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Least severe level that is logged: DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {"httpx": {"level": "WARNING"}, "rq.worker": {"level": "WARNING"}},
}
