"""Roots, leaves and density heads, without any physics.

The networks take standardised numbers and return distributions with `log_prob` and `sample`, or point estimates. Other
packages define the meaning of inputs and outputs.
"""
