"""Room of regions."""
