"""Numerical versions of the stages: raise one when a change of code can move a digit of that stage's results.

They are part of the keys by which the workflow decides what to run again, so that a new version of bayesbeam does
again what it would do differently, and nothing else. Kept apart from the stages so that planning need not load them.
"""

PREPROCESS = 3
SAMPLE = 13
FREE_ENERGY = 16
BLOCKS = 2
INTEGRATE = 10
REPORT = 40
# Of laws along series.
LAWS = 2
# Of edges along series, on top of PHASES.
SPLITTING = 2
# Of searches for phases, on top of SAMPLE.
PHASES = 16
