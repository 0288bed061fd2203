"""Results: posteriors and leaf estimates, and their files.

`posterior` and `leaves` have the two classes of results, and `base` their common base class. `read` reads a result from
its file, in the format of `hdf5`. `proposal` and `weights` handle weighted draws. `certificate`, `trust`, `sky`,
`prior` and `provenance` are parts of a result. `bilby` converts to bilby.
"""

from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior
from chirpleaf.result.proposal import Proposal
from chirpleaf.result.read import read

__all__ = ["LeafEstimates", "Posterior", "Proposal", "read"]
