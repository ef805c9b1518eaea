"""Parts that make a curve of the curves of other parts: backgrounds of peaks, and the response of an instrument."""
