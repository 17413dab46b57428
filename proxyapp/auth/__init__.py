"""Who may call, and what with: keys, their file, their limits."""
