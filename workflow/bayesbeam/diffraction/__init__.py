"""Powder patterns as sums of crystalline phases: what is there, with which probability, and how much of it."""
