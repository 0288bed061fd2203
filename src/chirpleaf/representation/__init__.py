"""The input of the networks: whitened data on a multiband frequency grid, and the canonical input made from them.

This is the only preprocessing path of the package. Training and inference call the same modules, and the model file
contains their state.
"""
