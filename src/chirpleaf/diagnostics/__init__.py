"""Diagnostics: is a posterior calibrated, how far is it from the truth, and does it agree with another one?

- `chirpleaf.diagnostics.calibration`: percentile ranks, P-P tests, coverage, by parameter and by group.
- `chirpleaf.diagnostics.errors`: errors of the posterior median against the injected truth, in bins of SNR.
- `chirpleaf.diagnostics.comparison`: Jensen-Shannon divergence of one-dimensional marginals.

The functions take arrays and return numbers; pictures of them are in `chirpleaf.plots`.
"""
