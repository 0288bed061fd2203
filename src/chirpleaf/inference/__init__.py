"""From strain to a result, in stages: prepare (data), propose (network), certify (likelihood), result.

`analysis` composes the stages. `preparation` loads strain and noise spectra (`sources`), chooses the model (`observe`)
and searches the reference time (`reference_time`). `kinds` draws from each kind of estimator (`amortised`,
`leaves`). `plan` checks what the user asks of the certification, and the sub-package `certify` computes the importance
weights with the exact likelihood. `build` makes the result (`chirpleaf.result`), and `trust` its verdict.
"""

from chirpleaf.inference.analysis import analyse, infer
from chirpleaf.inference.kinds import build_result, propose
from chirpleaf.inference.plan import CertificationPlan, plan_certification
from chirpleaf.inference.preparation import PreparedData, load_candidates, prepare
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
