"""Taking partitions over and keeping their state."""
