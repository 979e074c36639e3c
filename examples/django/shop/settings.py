"""Settings of the shop. What differs between deployments comes from the environment:

SHOP_BACKEND      the name of this backend, sent as X-Backend (default: the host name)
SHOP_SECRET_KEY   signs the sessions; every backend needs the same one, else a cart is empty on the next backend
SHOP_HOSTS        host names to answer to, comma separated (default: those of this machine and of the demo)
SHOP_DELIVERY_MS  how long the carrier takes to quote a delivery, in milliseconds (default: 120)
"""

import os
import socket
from pathlib import Path

from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent

BACKEND_NAME = os.environ.get("SHOP_BACKEND") or socket.gethostname()
DELIVERY_MS = int(os.environ.get("SHOP_DELIVERY_MS", "120"))

# A key of its own is right for a single process only: a session would end with it.
SECRET_KEY = os.environ.get("SHOP_SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = os.environ.get("SHOP_HOSTS", "localhost,127.0.0.1,web.shop,shop.example").split(",")
DEBUG = False

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["whitenoise.runserver_nostatic", "django.contrib.staticfiles", "shop"]
MIDDLEWARE = [
    "shop.middleware.backend_name",
    "shop.middleware.health",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["shop.cart.context"]},
    }
]

# The session travels with the browser, signed: any backend can serve any visitor, and one that dies takes no cart
# with it.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

DATABASES = {}
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
