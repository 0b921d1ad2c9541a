"""Reading metal-api's own YAML: documents (files to nodes), kinds (nodes to values), saving (values to rows), run (all of it)."""
