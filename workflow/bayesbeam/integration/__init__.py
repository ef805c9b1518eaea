"""Whether measurements may be integrated: free energies of sharing and of not sharing, compared."""
