"""Other samplers on the same problem, one a file: each has ``run(count, seed) -> Outcome`` and ``VERSIONS``."""
