"""Results: posteriors and leaf estimates, and their files.

`posterior` and `leaves` hold the two classes of results and `base` what they share; `read` gives a result back from its
file, whose content is `hdf5`; `proposal` and `weights` handle weighted draws; `certificate`, `trust`, `sky`, `prior`
and `provenance` are what a result says about itself; `bilby` converts to bilby.
"""

from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.read import read

__all__ = ["LeafEstimates", "Posterior", "Proposal", "read"]
