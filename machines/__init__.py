"""Machines: each lives in exactly one network."""
