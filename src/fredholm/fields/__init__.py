"""Functions and where they live: domains, fields, signatures, norms, interpolation and random fields."""
