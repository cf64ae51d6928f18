"""Re-implemented methods to compare with, one file each; each says what is from where."""
