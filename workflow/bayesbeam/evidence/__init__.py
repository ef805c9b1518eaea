"""Free energies from tempered draws, their errors, and what they say about candidate models."""
