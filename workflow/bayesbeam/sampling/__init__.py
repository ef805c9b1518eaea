"""Replica-exchange Monte Carlo: ladders, moves, exchanges, engines and the run that ties them together."""
