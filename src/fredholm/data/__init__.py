"""Data sets: generate them with a reference solver, store them, sample from them."""
