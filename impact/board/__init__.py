"""The board: a run as data, and the script that recomputes its exposure and losses in a browser."""
