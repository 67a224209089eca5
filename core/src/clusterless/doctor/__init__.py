"""Whether this environment, and a store, are fit to run on."""
