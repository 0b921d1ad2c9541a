"""The demo: a dump in metal-api's format (the YAML files here), read by the importer, and practice firewalls in every state.

`manage.py demo` runs before the product is up, and leaves nothing to be done afterwards: it starts the practice server
for as long as it needs it (or uses the one that runs), pushes to the practice firewalls as a worker would, each push a row
with its steps, and then makes one of them drift, one change, one fail and one fall silent. All of that is in the database
and in the practice firewalls' folders, so it survives a restart. A run that was interrupted is taken up by the next one.
"""
