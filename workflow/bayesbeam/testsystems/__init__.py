"""Systems whose free energies and posteriors are known exactly: the judges of samplers and estimators."""
