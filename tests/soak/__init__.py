"""Long runs, which make test leaves out: make soak, make crowd."""
