"""What gunicorn serves."""

import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from config.running.preloading import preload

WORKER_BOOT_ERROR = 3  # by this status gunicorn knows that another try is of no use

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    print(error, file=sys.stderr)
    sys.exit(WORKER_BOOT_ERROR)

# What is loaded stays. So the collector need not go through it again and again, each time a pause
# in some request, nor write into its pages, which the processes that gunicorn forks share.
preload()
gc.collect()
gc.freeze()
