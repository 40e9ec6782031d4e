"""Being here makes this folder importable: `synthesised` is for every test of the observer."""
