"""The commands of `manage.py`: each reads its arguments, calls one thing and prints the outcome."""
