"""The data set of the benchmarks."""
