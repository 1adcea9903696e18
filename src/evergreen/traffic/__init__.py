"""What the model saw and said, and what turned out true."""
