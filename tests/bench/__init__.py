"""Benchmarks: what is measured more than once, and put into pictures."""
