"""Questions as functions: a view or a run in, an `Answer` out."""
