"""A worker as a function of AWS Lambda: the same handlers, started by SQS instead of asking it.

Nothing of it is imported by applications: `python -m rung.runtime.function` is the entry of the image.
"""
