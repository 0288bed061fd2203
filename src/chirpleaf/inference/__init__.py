"""From strain to a result, in stages: prepare (data), propose (network), certify (likelihood), result.

`infer` composes the stages. `prepare` loads strain and noise spectra, chooses the model and searches the reference time
(`sources`, `observe`); `propose` draws from the network (`amortised`, `leaves`); the sub-package `certify` weighs the
draws by the exact likelihood, as `plan` says; `build` makes the result (`chirpleaf.result`), and `trust` the verdict.
"""

from chirpleaf.inference.infer import analyse, infer
from chirpleaf.inference.plan import CertificationPlan, plan_certification
from chirpleaf.inference.prepare import PreparedData, load_candidates, prepare
from chirpleaf.inference.propose import build_result, propose
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior

__all__ = [
    "CertificationPlan",
    "LeafEstimates",
    "Posterior",
    "PreparedData",
    "analyse",
    "build_result",
    "infer",
    "load_candidates",
    "plan_certification",
    "prepare",
    "propose",
]
