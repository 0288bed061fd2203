"""Parallel training: threads of one process, and ranks on one or several machines."""
