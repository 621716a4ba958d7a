"""Loops compiled by numba when first used."""
