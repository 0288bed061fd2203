"""Certification: importance weights of the network's draws, by the exact likelihood.

| module | holds |
|---|---|
| `settings`, `likelihood_settings` | all numbers that trade accuracy for time |
| `target`, `edges` | prior and waveform model; where the network's prior ends |
| `bilby_prior`, `bilby_densities`, `bilby_distance` | prior files of bilby |
| `likelihood` | the Whittle likelihood on every frequency |
| `heterodyne` | sums over the data about a reference waveform, for few frequencies |
| `overlaps`, `distance`, `phase`, `phase_grid` | inner products; distance and phase integrated out |
| `extrinsics`, `histogram`, `adaptation` | weighted extrinsic points, and how they are adapted to an event |
| `marginal` | the likelihood of the intrinsic parameters alone |
| `proposals`, `mixture` | densities that intrinsic parameters are drawn from |
| `coverage` | a broadened proposal, which finds what the others miss |
| `first_proposals`, `spin_coordinates`, `coordinates` | the same where the target's prior is not the network's |
| `draws`, `weigher`, `pool`, `importance` | draws with their target density, importance weights and diagnostics |
| `effective_sizes` | effective numbers of extrinsic points, and of pairs of a draw and a point |
| `reference_times`, `reweighting` | alternative reference times; weights towards approximants with further modes |
| `certification` | the composition of all steps, for an observation |
"""

from chirpleaf.inference.certify.certification import certify
from chirpleaf.inference.certify.certified import Certified
from chirpleaf.inference.certify.settings import CertifySettings
from chirpleaf.inference.certify.target import Prior, Target, choose_prior

__all__ = ["Certified", "CertifySettings", "Prior", "Target", "certify", "choose_prior"]
