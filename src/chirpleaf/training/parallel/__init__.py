"""Threads and ranks: what a training takes of a machine, and how processes of several train one network."""
