"""Building blocks shared by operators and networks, and their declarative description."""
