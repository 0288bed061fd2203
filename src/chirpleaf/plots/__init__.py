"""Figures: functions that take arrays and return a matplotlib `Figure`.

The functions use neither pyplot nor global settings, so they are safe in servers, notebooks and batch jobs.
Save a figure with `figure.savefig(path)`.

- `chirpleaf.plots.corner`: one- and two-dimensional marginals of a posterior, with an optional reference.
- `chirpleaf.plots.regions`: credible regions of pairs of parameters, with published values.
- `chirpleaf.plots.sky`: sky map.
- `chirpleaf.plots.strain`: whitened strain and the reconstructed signal.
- `chirpleaf.plots.calibration`: P-P plot and coverage by group of injections.
- `chirpleaf.plots.errors`: errors against signal-to-noise ratio.
- `chirpleaf.plots.filters`: importance of a root's filters for each leaf.
- `chirpleaf.plots.psd`: amplitude spectral densities.
- `chirpleaf.plots.scaling`: efficiency of distributed training.
- `chirpleaf.plots.time_frequency`: Q-transform of each detector.
- `chirpleaf.plots.training`: loss curves of training runs.
"""
