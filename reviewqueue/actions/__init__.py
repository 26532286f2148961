"""Every write of the product: one function per verb, keyword-only `by=`, one transaction, its log line inside it.

Returning commits, raising rolls back. An action raises lifecycle.Refused or nothing of ours.
"""
