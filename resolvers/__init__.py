"""Models and plain values in, models and rows out: everything that touches the database."""
