"""Engines that advance all replicas of all chains by one sweep; same targets, same moves, same random numbers."""
