"""The input of the networks: whitened data on a multiband frequency grid, and the canonical input made from them.

The one preprocessing path of the package. Training and inference call the same modules, whose state travels in the
model file; nothing else turns strain into network input.
"""
