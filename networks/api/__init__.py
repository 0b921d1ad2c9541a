"""The REST door's common ground: one shape of errors, rows whose rules are the model's, writes that are whole or nothing."""
