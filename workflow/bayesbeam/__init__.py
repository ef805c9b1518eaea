"""Bayesian measurement: posteriors, free energies and integration of measurements by replica-exchange Monte Carlo."""

__version__ = "0.1.0"
