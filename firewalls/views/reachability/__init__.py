"""The pages that ask who reaches whom: one question, and everything at once."""
