"""Samples for studies of populations: parameters of the source with the prior of each sample.

A study of a population divides by the prior under which the samples were drawn (arXiv:1809.02293, equation 32), in
the coordinates of its own model. With m1 = `mass_1_source`, q = `mass_ratio` and z = `redshift`, the chirp mass of the
detector frame is M = m1 (1 + z) q^(3/5) / (1 + q)^(1/5), so that

    p(m1, q, chi_1, chi_2, z) = p(M, q, chi_1, chi_2) p(D_L) (M / m1) dD_L / dz.
"""

import numpy as np

from chirpleaf.errors import InputError
from chirpleaf.physics.cosmology import expansion_table
from chirpleaf.physics.derived import Samples
from chirpleaf.result.posterior import Posterior

COORDINATES = ("mass_1_source", "mass_ratio", "chi_1", "chi_2", "redshift")
"""Parameters that the column `prior` is a density of."""

_FURTHER = ("mass_2_source", "chirp_mass_source", "chi_eff", "luminosity_distance", "log_likelihood")


def tabulate_population(posterior: Posterior) -> Samples:
    """Samples of equal weight with the prior of each.

    Args:
        posterior: a certified posterior of aligned spins.

    Returns:
        Name to values, each of shape (n,): `COORDINATES`, further parameters of the source, and `prior`, the density of
        the coordinates (per solar mass and unit redshift).

    Raises:
        InputError: the posterior has no distances, or the density of its prior is not known.
    """
    prior, samples = posterior.prior, posterior.samples
    if prior is not None and prior.intrinsic is None:
        raise InputError(
            f"expected a prior whose density is known; got the file {prior.name}: take a preset of --prior"
        )
    missing = [name for name in (*COORDINATES, "luminosity_distance", "chirp_mass") if name not in samples]
    if missing or prior is None or prior.intrinsic is None or prior.distance is None:
        lacking = missing[0] if missing else "a prior of the distance"
        raise InputError(
            f"expected a certified posterior of aligned spins; got one without {lacking}: leave out --no-certify, and "
            "take a preset as --prior"
        )
    log_density = prior.intrinsic.log_prob(samples) + prior.distance.log_prob(samples["luminosity_distance"])
    table = expansion_table()
    slope = np.interp(np.log(samples["luminosity_distance"]), table.log_distance, table.log_redshift_slope)
    jacobian = samples["chirp_mass"] / samples["mass_1_source"] * np.exp(-slope)
    columns = {name: samples[name] for name in (*COORDINATES, *_FURTHER) if name in samples}
    return {**columns, "prior": np.exp(log_density) * jacobian}
