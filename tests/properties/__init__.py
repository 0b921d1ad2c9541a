"""Random traffic, through two doors, beside a model so simple that one sees it is right."""
