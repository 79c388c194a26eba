"""Answers that more than one source reads: one file a family of interfaces. Knows no source."""
