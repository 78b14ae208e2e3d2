"""What each action checks and does, and the one path that all of them take.

outcome.py         what comes of a command: what was done, or what is wrong with what was asked
refusals.py        denials as the errors that callers read
submission.py      submit(): one transaction, in which the caller is read again under lock
transacting.py     the transaction that actions and administration run in
locking.py         the row that a command is about, locked and checked
placing.py         where what is created goes: its Service, zone, environment, name and tags
availability.py    in which statuses an action can be run
targets.py         what an indicator may look at
instances.py monitoring.py snapshots.py aliases.py load_balancers.py members.py maintenances.py indicators.py sms.py
object_stores.py object_store_users.py clusters.py cluster_nodes.py namespaces.py
                   what is done, one function for each action, and what it does to the model in the end
effects.py         when that is, and of what
resources.py       writing resources and their parts
catalogue.py       all of them
"""
