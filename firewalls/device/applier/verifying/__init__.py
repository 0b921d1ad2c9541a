"""What a firewall must have beside its files: one list, looked at by whoever wants to know.

A push looks after it has loaded, a rollback after it has gone back, and `show` for the product,
which finds drift by it. Each file here is a subject, or what several subjects need.
"""
