"""Room of evaluation."""
