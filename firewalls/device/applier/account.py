"""The account that the product logs in as, and the one thing that it may do."""

from __future__ import annotations

ACCOUNT = "shared-networks"
LOGIN = "/var/lib/shared-networks-login"
PROGRAM = "/usr/local/sbin/shared-networks-applier"
SUDO = "/etc/sudoers.d/shared-networks"
# With the words that the client sent, and no others.
RULE = f"""Defaults!{PROGRAM} env_keep += SSH_ORIGINAL_COMMAND, !requiretty, !use_pty
{ACCOUNT} ALL=(root) NOPASSWD: {PROGRAM} ""
"""
