"""Room of deep."""
