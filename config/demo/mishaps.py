"""What goes wrong in the demo."""

SILENT_PORT = 9  # of the discard service, which nobody runs any more: nothing answers there
CHANGED_BY_HAND = """
# 03:12, by hand, until the incident is over
insert rule inet metal forward counter accept
"""
LEFT_BEHIND = "left behind by an upgrade that broke off\n"
