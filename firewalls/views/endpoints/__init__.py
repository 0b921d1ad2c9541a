"""Pages of endpoints: lists of them, and publishing, changing and removing one."""
