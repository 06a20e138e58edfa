"""Pure arrays: times, draws, graphs, amounts and measures. Nothing here knows what a case is."""
