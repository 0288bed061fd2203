"""Diagnostics of posteriors, networks and training.

- `chirpleaf.diagnostics.calibration`: percentile ranks, P-P tests and coverage, by parameter and by group.
- `chirpleaf.diagnostics.errors`: errors of the posterior median with respect to the injected truth, in bins of SNR.
- `chirpleaf.diagnostics.comparison`: Jensen-Shannon divergence of one-dimensional marginals.
- `chirpleaf.diagnostics.injections`, `evaluation`: injections into noise, and the evaluation of a model on them.
- `chirpleaf.diagnostics.decomposition`: error, size and latency of a leaf's sub-networks.
- `chirpleaf.diagnostics.scaling`: efficiency of distributed training, measured and predicted.

The corresponding figures are in `chirpleaf.plots`.
"""
