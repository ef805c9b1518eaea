"""Targets whose free energies and posteriors are known exactly; for tests, documentation and trust."""
