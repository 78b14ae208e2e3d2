"""What each action checks and does, and the one path that all of them take.

outcome.py         what comes of a command: what was done, or what is wrong with what was asked
refusals.py        denials as the errors that callers read
submission.py      submit(): one transaction, in which the caller is read again under lock
locking.py         the row that a command is about, locked and checked
placing.py         where what is created goes: its Service, zone, environment, name and tags
availability.py    in which statuses an action can be run
targets.py         what an indicator may look at
instances.py load_balancers.py members.py monitoring.py snapshots.py aliases.py maintenances.py indicators.py sms.py
                   what is done, one function for each action
"""
