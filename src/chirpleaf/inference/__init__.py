"""From strain to a result, in stages: prepare, propose, certify, assess, result.

    data = prepare(load_candidates(), "GW150914")
    plan = plan_certification(data.model)
    target = plan.make_target(data)
    draws = certify_draws(data, target, plan)
    trust = assess_certified(data, draws, target)
    posterior = build_certified_posterior(data, draws, target, trust, seed=0, timing={})

`prepare` makes the input of the network, which proposes; `certify_draws` weights by the likelihood; `assess_certified`
judges. Without certification, `propose` draws from the network alone and `build_result` makes the result.

`analysis` composes the stages. `preparation` loads strain and noise spectra (`sources`), chooses the model (`observe`)
and searches the reference time (`reference_time`). `kinds` draws from each kind of estimator (`amortised`,
`leaves`). `plan` checks what the user asks of the certification and certifies draws: the sub-package `certify` computes
their importance weights with the exact likelihood. `build` makes the result (`chirpleaf.result`), and `trust` its
verdict.
"""

from chirpleaf.inference.analysis import analyse, analyse_event, check_request, infer
from chirpleaf.inference.build import build_certified_posterior
from chirpleaf.inference.kinds import build_result, propose
from chirpleaf.inference.plan import CertificationPlan, certify_draws, plan_certification
from chirpleaf.inference.preparation import PreparedData, load_candidates, prepare
from chirpleaf.inference.request import Request
from chirpleaf.inference.trust import assess_certified
from chirpleaf.result.leaves import LeafEstimates
from chirpleaf.result.posterior import Posterior

__all__ = [
    "CertificationPlan",
    "LeafEstimates",
    "Posterior",
    "PreparedData",
    "Request",
    "analyse",
    "analyse_event",
    "assess_certified",
    "build_certified_posterior",
    "build_result",
    "certify_draws",
    "check_request",
    "infer",
    "load_candidates",
    "plan_certification",
    "prepare",
    "propose",
]
