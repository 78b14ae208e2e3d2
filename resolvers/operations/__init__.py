"""Operations after their submission: queued, executed step by step by a driver, and taken up again after a crash.

queue.py        the jobs of workers: put in by commands, in their transaction; taken out by workers
records.py      operations and their steps as they stand, locked and written
execution.py    one operation from where it stands to its end
worker.py       a process that executes what is queued
tending.py      what operators do with operations that are held
drivers/        what really executes: a port, and its drivers
"""
