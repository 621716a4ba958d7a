"""Numba kernels, compiled lazily and cached on disk."""
