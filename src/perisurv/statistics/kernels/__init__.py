"""Compiled inner loops; importing them loads numba."""
