"""The large demo: thousands of machines and firewalls, made up from fixed random numbers and written by COPY.

It goes around `save()`, for speed, but not around the database: every trigger and constraint judges every row, the trail records
it as the command's doing, and `manage.py check_rules` finds nothing wrong with it. All of it is one transaction, so there is
all of it or nothing. The firewalls are practice firewalls; their folders are made afterwards, and what is missing of them by the
next run.
"""
