"""The demo of `manage.py demo`: a small world in metal-api's format, with firewalls in every state.

The YAML files here are the dump that the importer reads; its firewalls become practice firewalls.
The command runs before the product is up and leaves nothing to be done afterwards: it starts the
practice server for as long as it needs it (or uses the one that runs), pushes to the practice
firewalls as a worker would, each push a row with its steps, and then makes one firewall drift, one
change, one fail and one stop answering. All of that is in the database and in the firewalls'
folders, so it survives a restart. The next run completes one that was interrupted.
"""
