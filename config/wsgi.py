import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# All pages are loaded now, not by the first request, and what is loaded stays: the collector need not go through it again and again,
# which is a pause in some request each time, nor write into its pages, which the processes that gunicorn forks (--preload) share.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
