"""Small results of each class, for the tests of results."""

from typing import Any

import numpy as np

from chirpleaf.physics.comoving_volume import UniformSourceFrame
from chirpleaf.physics.derived import derived, source_frame
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.result import LeafEstimates, Posterior, Proposal
from chirpleaf.result.certificate import Certificate
from chirpleaf.result.posterior import CERTIFIED, EXTRINSIC, HEADLINE
from chirpleaf.result.prior import AnalysisPrior
from chirpleaf.result.provenance import Provenance
from chirpleaf.result.sky import SkyMap
from chirpleaf.result.trust import Trust

INTRINSIC = ("chirp_mass", "mass_ratio", "chi_1", "chi_2")
TRIGGER = 1126259462.4
N = 4000

PROVENANCE = Provenance("GW150914", TRIGGER, ("H1", "L1"), "random", "ab12", "IMRPhenomXAS", 3)
TRUST = Trust("untrusted", 21.5, {"H1": 17.1, "L1": 12.2}, ("no signal", "heavy tail"))
TIMING = {"load_s": 0.5, "infer_s": 0.25, "certify_s": None, "total_s": 0.75}
CERTIFICATE = Certificate(0.5, 2000.0, 200.1, 0.01, np.inf, N, 0.03, 0.005, "IMRPhenomXHM", ("H1", "L1"), 100, ("x",))


def table(names: tuple[str, ...], seed: int = 0) -> dict[str, np.ndarray]:
    return dict(zip(names, np.random.default_rng(seed).random((len(names), N)), strict=True))


def network_posterior(**changes: Any) -> Posterior:
    """Draws of equal weight, as of a network alone."""
    fields: dict[str, Any] = {
        "proposal": Proposal(table(HEADLINE + INTRINSIC[2:]), np.linspace(-3, 3, N), np.zeros(N)),
        "intrinsic": INTRINSIC,
        "provenance": PROVENANCE,
        "trust": TRUST,
        "timing": TIMING,
        "prior": AnalysisPrior("model", IntrinsicPrior(chirp_mass_min=20.0)),
    }
    return Posterior(**{**fields, **changes})


def certified_posterior(**changes: Any) -> Posterior:
    """Draws whose weight grows with the chirp mass and with nothing else."""
    samples = table(tuple(dict.fromkeys(HEADLINE + CERTIFIED + INTRINSIC + EXTRINSIC)))
    fields: dict[str, Any] = {
        "proposal": Proposal(samples, np.linspace(-3, 3, N), np.log(samples["chirp_mass"]) - 700.0),
        "prior": AnalysisPrior("comoving", IntrinsicPrior(), UniformSourceFrame(100.0, 3000.0), (1.0, 2.0)),
        "certificate": CERTIFICATE,
        "sky": SkyMap(np.full(12 * 16**2, 1 / (12 * 16**2))),
    }
    return network_posterior(**{**fields, **changes})


def leaf_estimates(**changes: Any) -> LeafEstimates:
    components = {"omega_r": {"aleatoric": 0.1, "epistemic": 0.2}, "mass_1": {"aleatoric": 1.0, "epistemic": 2.0}}
    fields: dict[str, Any] = {
        "samples": table(("omega_r", "mass_1")),
        "log_prob": np.full(N, np.nan),
        "uncertainty_components": components,
        "provenance": PROVENANCE,
        "trust": TRUST,
        "timing": TIMING,
        "prior": AnalysisPrior("model", IntrinsicPrior()),
    }
    return LeafEstimates(**{**fields, **changes})


MAKERS = {"network": network_posterior, "certified": certified_posterior, "leaves": leaf_estimates}


DRAWN_PRIOR = AnalysisPrior("some", IntrinsicPrior(), UniformSourceFrame(100.0, 3000.0), (1.0, 2.0))


def draws_of_the_prior(n: int = 40_000) -> Posterior:
    """Binaries of a prior, with all that follows from them; sky and orientation are not of the prior."""
    rng = np.random.default_rng(1)
    samples = derived(DRAWN_PRIOR.intrinsic.sample(n, rng))
    samples["luminosity_distance"] = DRAWN_PRIOR.distance.sample(n, rng)
    samples |= source_frame(samples)
    samples |= {"ra": rng.random(n), "dec": rng.random(n), "theta_jn": rng.random(n), "psi": rng.random(n)}
    samples |= {"phase": rng.random(n), "geocent_time": 1 + rng.random(n)}
    return certified_posterior(proposal=Proposal(samples, np.zeros(n), np.zeros(n)), prior=DRAWN_PRIOR)
