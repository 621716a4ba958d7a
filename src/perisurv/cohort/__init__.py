"""Room of cohort."""
