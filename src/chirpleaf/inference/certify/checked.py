"""Samples of the posterior whose likelihood is known on every frequency: by them the fast likelihood is judged."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chirpleaf.inference.certify.likelihood import log_likelihood_ratio
from chirpleaf.inference.certify.likelihood_settings import HeterodyneSettings, LikelihoodSettings
from chirpleaf.inference.certify.weigher import Weigher
from chirpleaf.physics.derived import Samples, add_derived
from chirpleaf.result.weights import relative_weights
from chirpleaf.system.deadline import Deadline

Array = NDArray[np.float64]


class CheckedSamples(NamedTuple):
    """Samples, and their likelihood on every frequency.

    Attributes:
        weigher: computes the fast likelihood.
        samples: full samples, each of shape (n,); `log_likelihood` is the fast one.
        exact: ln of the likelihood ratio on every frequency, nats, shape (n,).
    """

    weigher: Weigher
    samples: Samples
    exact: Array

    @classmethod
    def draw(
        cls, weigher: Weigher, samples: Samples, log_weight: Array, n: int, settings: LikelihoodSettings
    ) -> "CheckedSamples | None":
        """Chooses samples by their weights.

        Args:
            weigher: computed the fast likelihood.
            samples: full samples.
            log_weight: ln of their weights.
            n: how many to choose.
            settings: settings of the likelihood on every frequency.

        Returns:
            None if no sample has a weight.
        """
        weight = relative_weights(log_weight)
        if not weight.any():
            return None
        chosen = np.random.default_rng([weigher.seed, 2]).choice(len(weight), n, p=weight / weight.sum())
        some = add_derived({name: values[chosen] for name, values in samples.items()})
        exact, _ = log_likelihood_ratio(weigher.segment, some, weigher.signal, settings=settings)
        return cls(weigher, some, exact)

    @property
    def error(self) -> float:
        """Root mean square error of the fast ln L, nats."""
        return self._compare(self.samples["log_likelihood"])

    def refine(self, nodes: HeterodyneSettings, halvings: int, latest: Deadline) -> tuple[HeterodyneSettings, int]:
        """Nodes on which the fast likelihood of these samples is accurate enough.

        Args:
            nodes: those of the fast likelihood now.
            halvings: how often their spacing may be halved.
            latest: time after which it is not halved again.

        Returns:
            The nodes, and how often their spacing was halved.
        """
        fast, made = self.samples["log_likelihood"], 0
        while self._compare(fast) > nodes.tolerated_error and made < halvings and not latest.passed:
            nodes, made = replace(nodes, dephasing=nodes.dephasing / 2), made + 1
            fast = self.weigher.log_likelihood(self.samples, nodes)
        return nodes, made

    def make_weigher(self, further: Samples, halvings: int, latest: Deadline) -> tuple[Weigher, int]:
        """Makes the fast likelihood again about these samples, on nodes on which it is accurate for them.

        Its reference is the most likely of them by the likelihood on every frequency.

        Args:
            further: further draws from the posterior, each of shape (n,), for the proposal of extrinsic points.
            halvings: how often the spacing of the nodes may be halved.
            latest: time after which it is not halved again.

        Returns:
            The weigher, and how often the spacing was halved.
        """
        space, nodes = self.weigher.space, self.weigher.settings.heterodyne
        theta = {name: np.concatenate([self.samples[name], further[name]]) for name in space.names}
        likely = np.argsort(-self.exact, kind="stable")
        weigher = self.weigher.about_draws(likely, theta, nodes)
        fast = weigher.log_likelihood(self.samples, nodes)
        again = CheckedSamples(weigher, {**self.samples, "log_likelihood": fast}, self.exact)
        finer, made = again.refine(nodes, halvings, latest)
        return weigher.about_draws(likely, theta, finer) if made else weigher, made

    def _compare(self, fast: Array) -> float:
        return float(np.sqrt(np.mean((fast - self.exact) ** 2)))
