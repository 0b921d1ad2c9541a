"""Reading dumps in metal-api's own YAML.

Files become nodes (files, nodes, documents), nodes become objects in metal-api's shapes (kinds,
entries), and objects become rows (ordering, writing). `run` does it all in one transaction.
"""
