"""Settings of the fit of a Gaussian mixture to weighted draws (`gaussian_mixture`)."""

from dataclasses import dataclass

from chirpleaf.system.constraints import Fraction, NonNegativeFloat, OpenFraction, PositiveFloat, PositiveInt


@dataclass(frozen=True)
class MixtureFitSettings:
    """The Gaussian mixture that is fitted to weighted draws.

    Attributes:
        components: Gaussians. More follow the posterior better and need more effective draws.
        iterations: steps of expectation and maximisation. More converge further, at equal time each.
        broadening: factor on the fitted covariances. Proposals that are too narrow give large weights; too broad ones
            waste draws.
        kept_weight: the fit uses the draws of largest weight, which have this share of the total weight. A larger share
            follows the tails better, and takes more draws of little weight.
        most_draws: draws that a fit uses at most; of more, as many are drawn again by their weights. More take longer.
        reach: distance from zero beyond which the network's normal coordinates are inaccurate. A smaller one leaves
            them for more posteriors, and with them their nearly normal shapes.
        unreachable: share of the weight beyond `reach`, above which the unconstrained coordinates of the space are
            used. A larger share accepts more draws at inaccurate coordinates.
        effective_draws: effective draws that a fit needs. Weights are flattened where there are fewer. More make safer,
            broader fits.
        flattening: factor on the power of the weights in each step of flattening. A smaller one takes fewer steps, and
            flattens more than is needed.
        least_power: power at which flattening ends. A smaller one fits proposals that miss the posterior farther, from
            draws that hardly know it.
        shrinkage: share of the common mean in the starting means. A larger one starts the components closer together,
            so that fewer of them are lost in single draws, and needs more iterations.
        covariance_floor: share of the common covariance in each component's. A larger one keeps components broad.
        shrinkage_per_number: the same share for each number of a covariance over the effective draws of a component,
            where that is more. A larger one keeps components broad that few draws determine; a smaller one fits these
            draws, and misses others.
    """

    components: PositiveInt = 8
    iterations: PositiveInt = 40
    broadening: PositiveFloat = 1.2
    kept_weight: OpenFraction = 0.998
    most_draws: PositiveInt = 32_768
    reach: PositiveFloat = 5.0
    unreachable: NonNegativeFloat = 0.01
    effective_draws: PositiveFloat = 200.0
    flattening: OpenFraction = 0.8
    least_power: PositiveFloat = 1e-3
    shrinkage: Fraction = 0.3
    covariance_floor: NonNegativeFloat = 0.02
    shrinkage_per_number: NonNegativeFloat = 0.1
