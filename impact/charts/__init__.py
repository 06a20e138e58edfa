"""Charts: one theme, one function per picture, frame in, chart out."""
