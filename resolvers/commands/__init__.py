"""What each action checks and does, and the one path that all of them take.

outcome.py         what comes of a command: what was done, or what is wrong with what was asked
refusals.py        denials as the errors that callers read
submission.py      submit(): one transaction, in which the caller is read again under lock
locking.py         the row that a command is about, locked and checked
placing.py         where what is created goes: its Service, zone, environment, name and tags
availability.py    in which statuses an action can be run
instances.py maintenances.py object_stores.py object_store_users.py clusters.py cluster_nodes.py namespaces.py
                   what is done, one function for each action
"""
