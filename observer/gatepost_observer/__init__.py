"""What happened to the mail: lines of logs become events, and events become reports.

Nothing here imports the generator: what the observer needs to know of the policy reaches it as a rendered file, like
any daemon. It reads the logs of servers that Gatepost does not manage, too.
"""
