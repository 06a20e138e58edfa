"""Reports: notebooks executed, pages written from their Answers, an index over them."""
