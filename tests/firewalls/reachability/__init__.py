"""Reachability: cases written by hand, beside a model, and beside what rendered text says."""
