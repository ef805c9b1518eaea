"""Crystal structures and the lines that a powder of them gives: positions, families, intensities."""
