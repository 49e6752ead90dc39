"""The fault rig: a real cluster, real processes, and what goes wrong between them."""
