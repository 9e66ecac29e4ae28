"""Studies: a paper's claim as an experiment that anyone can run."""
