"""Kernels of the living world: plain Python in the subset that numba compiles."""
