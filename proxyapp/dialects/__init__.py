"""One folder per client dialect; none knows another."""
