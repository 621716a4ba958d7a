"""Room of imaging."""
