"""Figures of finished runs: what `seasa_da.reporting.figures` draws, gathered from their folders and data."""
