"""Compiled loops for CPUs: what a network does at a point, in one pass over memory, on tiles that stay in the cache."""
