"""Drivers: what really executes the steps of operations.

port.py         what a driver is asked, and what it answers
simulated.py    takes its time and does nothing; fails where it is told to
"""
