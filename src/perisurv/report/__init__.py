"""Room of report."""
