"""Measures: a case or a run into frames of raw numbers. No words, no pictures."""
