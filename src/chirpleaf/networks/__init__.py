"""Roots, leaves and density heads: tensors in, distribution out.

The networks know no physics: they see numbers of zero mean and unit variance and return objects with `log_prob` and
`sample`. What the numbers mean is the business of the rooms around them.
"""
