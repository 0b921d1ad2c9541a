"""What gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from config.running.preloading import preload

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# What is loaded stays. So the collector need not go through it again and again, each time a pause
# in some request, nor write into its pages, which the processes that gunicorn forks share.
preload()
gc.collect()
gc.freeze()
