"""What each action checks and does, and the one path that all of them take.

outcome.py         what comes of a command: what was done, or what is wrong with what was asked
refusals.py        denials as the errors that callers read
submission.py      submit(): one transaction, in which the caller is read again under lock
transacting.py     the transaction that actions and administration run in
locking.py         the row that a command is about, locked and checked
availability.py    in which statuses an action can be run
instances.py maintenances.py    what is done, one function for each action
"""
