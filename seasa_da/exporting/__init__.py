"""A run's segmenter as a file that runs without this package."""
