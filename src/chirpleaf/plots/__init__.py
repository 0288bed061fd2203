"""Figures: functions that take arrays and return a matplotlib `Figure`, ready for `figure.savefig`.

None of them touches pyplot or a global setting, so they work in servers, notebooks and batch jobs alike.

- `chirpleaf.plots.corner`: marginals of a posterior, over a reference.
- `chirpleaf.plots.strain`: whitened strain and what the model makes of it.
- `chirpleaf.plots.calibration`: P-P plot, coverage by group.
- `chirpleaf.plots.errors`: errors against signal-to-noise.
- `chirpleaf.plots.filters`: what the filters of a root mean to its leaves.
- `chirpleaf.plots.psd`: amplitude spectral densities.
- `chirpleaf.plots.training`: loss curves of several runs.
"""
