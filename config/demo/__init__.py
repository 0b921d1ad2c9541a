"""The demo: a dump in metal-api's format (the YAML files), and practice firewalls in every state.

`manage.py demo` runs before the product is up, and leaves nothing to be done afterwards. It imports
the dump, starts the practice server for as long as it needs it (or uses the one that runs), and
pushes to the practice firewalls as a worker would, each push a row with its steps. Then it makes
one of them drift, one change, one fail and one fall silent. All of that is in the database and in
the practice firewalls' folders, so it survives a restart; and the next run goes on with what an
interrupted one left.
"""
