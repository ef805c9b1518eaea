"""The page a campaign ends in: figures, tables, plain sentences, and the draws for other tools.

Reads result files only; knows no sampler. ``bayesbeam.stages.report`` puts the parts together.
"""
