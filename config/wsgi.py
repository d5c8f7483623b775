"""The WSGI application the web server loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

tracing.start("web")
application = get_wsgi_application()
# What is loaded now stays as long as the process: the garbage collector need not go through all of
# it again and again, while requests wait.
get_resolver().url_patterns  # noqa: B018 - loads the addresses and what they need
gc.collect()
gc.freeze()
