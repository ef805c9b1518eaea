"""Running the workflow from a terminal: one run at a time, its progress, its answers. Knows no numbers."""
