"""Random calls against the reference: ``python -m tests.fuzz --seconds 60``."""
