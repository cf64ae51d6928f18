"""The trainer: stages, updates, checkpoints, runs."""
