"""Ours and other libraries side by side in one run: ratios, legality, growth, cold start.

`table` has the workloads as rows; `contest` times them; `judge` asks the library's independent
checker about every path. The other libraries are an extra: one that is missing is a row that says
so.
"""
