"""What the operator of an installation does with whole organizations: found, archive, activate.

The pages lie outside of every organization (A1.4): only operators open them, and each change is
made, and told to the audit trail, within the one organization it is about.
"""
