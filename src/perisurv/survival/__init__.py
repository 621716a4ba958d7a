"""Room of survival."""
