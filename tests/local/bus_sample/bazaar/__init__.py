"""A bazaar: one shouts, others listen."""
