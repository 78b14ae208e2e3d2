"""What was found, for people: on the terminal, as a plot, and in RESULTS.md."""
