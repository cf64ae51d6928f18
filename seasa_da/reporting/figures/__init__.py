"""Figures for an article: plain arrays in, one picture out, as PNG and PDF. A file is one figure."""
