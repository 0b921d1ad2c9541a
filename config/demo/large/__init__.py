"""The large demo: thousands of machines and firewalls from fixed random numbers, written by COPY.

For speed it goes around `save()`, but not around the database: triggers and constraints check
every row, the audit trail records it as the command's doing, and `manage.py check_rules` finds
nothing wrong with it. It is one transaction, so there is all of it or nothing. The firewalls are
practice firewalls; their folders are made afterwards, and the next run makes the missing ones.
"""
