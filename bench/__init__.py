"""Benchmark of the sampler: what a free energy costs here and elsewhere. README.md says how to run it."""
