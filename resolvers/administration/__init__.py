"""What is changed beside the actions of the privilege matrix, and the one path that all of it takes.

submission.py      submit(): one transaction, in which the caller is read again under lock
accounts.py        the account that an input names, found in one organization
checks.py          what can be wrong with codes, names and texts
creations.py tags.py profiles.py representatives.py    what is done, one function for each change
"""
