"""The large demo: thousands of machines and firewalls, from fixed random numbers, written by COPY.

It goes around `save()`, for speed, but not around the database: every trigger and constraint judges
every row, the audit trail records it as the command's doing, and `manage.py check_rules` finds
nothing wrong with it. It is one transaction, so there is all of it or nothing. The firewalls are
practice firewalls; their folders are made afterwards, and the missing ones by the next run.
"""
