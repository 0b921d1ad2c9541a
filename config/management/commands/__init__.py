"""A file per command: what `manage.py` can be asked for beside what Django brings."""
