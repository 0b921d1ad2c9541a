"""Who uses which shared network, as values: maps and matrices, which templates draw.

Only `loading` knows the database; the rest is pure, and the same values give the same picture.
"""
