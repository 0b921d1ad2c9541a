"""Benchmarks: each figure beside what limits it, measured in the same run; for comparing, never a test."""
