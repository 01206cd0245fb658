"""Do the tests notice? Small wrong changes in the source, one at a time, and the tests that cover the changed line.

python -m benchmarks.mutants [AREA] [--sample N] [--seed N] [--jobs N] [--again]

How it works and what came out: docs/testing.md.
"""
