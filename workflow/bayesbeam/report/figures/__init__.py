"""Figures of the report, one kind a file; each takes arrays and records and returns a matplotlib Figure."""
