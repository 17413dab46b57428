"""What all routes share: requests read safely, replies written alike."""
