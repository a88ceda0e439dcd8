"""Benchmarks: `python -m bench NAME`; what each measures is in docs/benchmarks.md."""
