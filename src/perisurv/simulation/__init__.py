"""Room of simulation."""
