"""`make bench-scale`: what the pipeline around the reading costs, by workers and backlog."""

#: The variable that names the file with the reading that every document gets.
READING = "FILOT_BENCH_READING"
