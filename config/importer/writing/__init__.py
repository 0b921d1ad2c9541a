"""From objects to rows, by kind. Saving and allocating judge what is written, as at every door."""
