"""What every room stands on: faults, texts, words for numbers, and moments of time."""
