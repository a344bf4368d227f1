"""The kernel room: one search loop, readable as plain Python and compiled by numba.

`loop` is the textbook and the kernel; `compiled` compiles it (the only file that imports numba);
`workspace` owns the arrays that the loop works in and drives it through its phases.
"""
