"""Sparse regression: which few columns of a dictionary make up the data, every choice with its exact free energy."""
