"""Room of study."""
