"""The audit log: who did what, or was denied it, in chains that show when somebody changed them.

Allowed: `append`, in the transaction of the command. Denied: `DenialLog`, beside it.
"""

from auth.audit.denials import DenialLog
from auth.audit.records import PLATFORM, Decision, Entry, Event, Who, append

__all__ = ["PLATFORM", "Decision", "DenialLog", "Entry", "Event", "Who", "append"]
