"""Files in and out: readers of measured data, the measurement store, atomic writing. Imports no sampler."""
