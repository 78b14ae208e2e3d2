"""The gateway beside its peers, on the same data: `./dev bench`, or `python -m benchmarks --help`.

data/       the data set, made once: into the gateway's own tables, and into plain ones for every peer
servers/    the processes that are compared: the gateway, Node's best, and one hand-written SQL statement
queries.py  what all of them are asked, and their answers in one shape
load.py     the load generator; processes.py reads what it costs them
report/     tables, plot and RESULTS.md
"""
