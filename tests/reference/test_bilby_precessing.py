"""Prior files of bilby with precessing spins."""

from pathlib import Path

import numpy as np
import pytest
from prior_lines import ANGLES, CHIRP, DISTANCE, PRECESSING, REGION, SPINS

from chirpleaf.errors import InputError
from chirpleaf.inference.certify.bilby_prior import read_bilby_prior
from chirpleaf.inference.certify.target import Prior
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior

NETWORK = PrecessingPrior(
    mass_min=10.0, mass_max=80.0, chirp_mass_min=15.0, chirp_mass_max=60.0, spin_max=0.8, mass_ratio_min=0.125
)
COSINES = PRECESSING.replace("tilt_1 = Sine(name='tilt_1')", "cos_tilt_1 = Uniform(-1, 1, name='cos_tilt_1')")


def write(folder: Path, text: str) -> Path:
    path = folder / "own.prior"
    path.write_text(text)
    return path


@pytest.mark.parametrize("spins", [PRECESSING, COSINES], ids=["tilts", "a cosine"])
def test_isotropic_spins_have_the_density_of_the_model(spins: str, tmp_path: Path) -> None:
    assert REGION.spin_max == NETWORK.spin_max
    found = read_bilby_prior(write(tmp_path, CHIRP + spins + ANGLES + DISTANCE))
    assert (found.precesses, found.fixed) == (True, {})
    assert set(found.spins) == {"a_1", "a_2", "cos_tilt_1" if "cos_tilt_1" in spins else "tilt_1", "tilt_2"}
    samples = NETWORK.sample(400, np.random.default_rng(0))
    np.testing.assert_allclose(found.intrinsic.log_prob(samples), NETWORK.log_prob(samples), atol=2e-3)
    outside = {**samples, "chi_1": samples["chi_1"] + 2.0}
    np.testing.assert_array_equal(found.intrinsic.log_prob(outside), -np.inf)
    assert np.isneginf(found.intrinsic.log_prob({**samples, "cos_iota": samples["cos_iota"] + 2.0})).all()


def test_other_magnitudes_and_tilts_change_the_density_by_their_own(tmp_path: Path) -> None:
    """Magnitudes as a, tilts uniform in angle: p / p_isotropic = (2 a / A) (2 / pi) / sin(tilt), for the first spin."""
    changed = PRECESSING.replace("a_1 = Uniform(name='a_1'", "a_1 = PowerLaw(alpha=1, name='a_1'").replace(
        "tilt_1 = Sine(name='tilt_1')", "tilt_1 = Uniform(0, np.pi, name='tilt_1')"
    )
    target = Prior.load(write(tmp_path, CHIRP + changed + DISTANCE)).make_target(NETWORK, trigger_time=0.0)
    samples = NETWORK.sample(300, np.random.default_rng(1))
    a, r = np.hypot(samples["chi_1"], samples["chi_1_in_plane"]), samples["chi_1_in_plane"]
    expected = NETWORK.log_prob(samples) + np.log(2 * a / 0.8 * 2 / np.pi / (r / a))
    np.testing.assert_allclose(target.intrinsic.log_prob(samples), expected, atol=2e-3)


def test_narrow_spins_overlap_with_those_of_the_network(tmp_path: Path) -> None:
    """Not one of 20,000 draws of the network has them."""
    narrow = PRECESSING.replace("maximum=0.8", "maximum=0.001").replace(
        "tilt_1 = Sine(name='tilt_1')", "tilt_1 = Uniform(1.0, 1.001, name='tilt_1')"
    )
    target = Prior.load(write(tmp_path, CHIRP + narrow + DISTANCE)).make_target(NETWORK, trigger_time=0.0)
    assert set(target.spins) == {"a_1", "a_2", "tilt_1", "tilt_2"}


@pytest.mark.parametrize(
    ("given", "impossible", "message"),
    [
        ("'a_1', minimum=0, maximum=0.8", "'a_1', minimum=0, maximum=1.5", r"a_1 from 0 to 1; got Uniform\(0, 1\.5\)"),
        ("'a_2', minimum=0", "'a_2', minimum=-0.2", "expected a_2 from 0 to 1"),
        ("tilt_1 = Sine(name='tilt_1')", "tilt_1 = Uniform(0, 4, name='tilt_1')", "expected tilt_1 from 0 to 3.14159"),
        (
            "tilt_1 = Sine(name='tilt_1')",
            "cos_tilt_1 = Uniform(-2, 1, name='cos_tilt_1')",
            "expected cos_tilt_1 from -1",
        ),
    ],
)
def test_impossible_spins_are_refused(given: str, impossible: str, message: str, tmp_path: Path) -> None:
    assert given in PRECESSING
    with pytest.raises(InputError, match=message):
        read_bilby_prior(write(tmp_path, CHIRP + PRECESSING.replace(given, impossible) + DISTANCE))


def test_precessing_priors_need_precessing_models_and_the_other_way(tmp_path: Path) -> None:
    precessing, aligned = (write(tmp_path, CHIRP + PRECESSING + DISTANCE), tmp_path / "aligned.prior")
    aligned.write_text(CHIRP + SPINS + DISTANCE)
    with pytest.raises(InputError, match=r"expected a prior of aligned spins .*; got precessing ones in .*own\.prior"):
        Prior.load(precessing).choose_intrinsic(IntrinsicPrior())
    with pytest.raises(InputError, match=r"expected a prior of precessing spins .*; got aligned .*aligned\.prior"):
        Prior.load(aligned).choose_intrinsic(NETWORK)
