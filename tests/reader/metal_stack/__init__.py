"""Reads firewalls as metal-stack renders them: FRR 8 to 10, nftables, firewall-controller's table.

Their text becomes the values that our own audit judges, so there is no second one. What is not
understood is refused by nobody: each such line is named, with its number, beside what was found.
"""
