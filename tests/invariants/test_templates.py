"""Template bank: spacing of the ladder, and anchors times ratios equal the waveforms."""

import numpy as np
import pytest

from chirpleaf.models import Architecture
from chirpleaf.physics.conversions import component_masses
from chirpleaf.physics.inspiral import chirp_phase
from chirpleaf.physics.signals import Quadrupole
from chirpleaf.physics.waveforms import polarizations
from chirpleaf.representation.templates import TemplateSettings, build_template_bank, chirp_mass_ladder, envelope


def test_ladder_steps_in_phase_at_low_mass_and_in_ratio_at_high_mass() -> None:
    ladder = chirp_mass_ladder(5.0, 200.0, phase_step=8.0, ratio_step=0.1, frequency=20.0)
    phases, logs = np.diff(-chirp_phase(ladder, 20.0)), np.diff(np.log(ladder))
    np.testing.assert_allclose(phases / 8.0 + logs / 0.1, 1.0, atol=0.02)
    assert phases[0] == pytest.approx(8.0, rel=0.06)
    assert logs[-1] == pytest.approx(0.1, rel=0.08)
    assert ladder[0] > 5.0
    assert ladder[-1] < 200.0


def test_finer_steps_make_a_longer_ladder() -> None:
    def length(step: float) -> int:
        return len(chirp_mass_ladder(5.0, 87.0, phase_step=step, ratio_step=0.1, frequency=20.0))

    assert length(4.0) > 1.8 * length(8.0)


@pytest.mark.parametrize("rungs_per_group", [1, 3, 4])
def test_groups_are_full_and_cover_the_range(architecture: Architecture, rungs_per_group: int) -> None:
    settings = TemplateSettings(chi_eff=(-0.5, 0.5), rungs_per_group=rungs_per_group)
    bank = build_template_bank(architecture.grid, Quadrupole(), (20.0, 87.0), settings)
    assert bank.chirp_mass.shape == bank.chi_eff.shape == bank.ratios.shape[:2]
    assert bank.chirp_mass.shape[1] == 2 * rungs_per_group
    rungs = np.unique(bank.chirp_mass)
    assert len(rungs) * 2 == bank.n_templates
    assert rungs[0] < 20.0 * rungs[1] / rungs[0]
    assert rungs[-1] > 87.0 * (rungs[-2] / rungs[-1]) ** 2


def test_anchors_and_ratios_give_the_templates_back(architecture: Architecture) -> None:
    grid = architecture.grid
    bank = build_template_bank(grid, Quadrupole(), architecture.prior.chirp_mass_range, TemplateSettings())
    np.testing.assert_allclose(np.abs(bank.anchors), 1.0, rtol=1e-12)
    mass_1, mass_2 = component_masses(bank.chirp_mass.ravel(), 0.7)
    spin = bank.chi_eff.ravel()
    binaries = {"mass_1": mass_1, "mass_2": mass_2, "chi_1": spin, "chi_2": spin, "luminosity_distance": 1.0}
    waves = polarizations(binaries | {"theta_jn": 0.0, "phase": 0.0}, grid.frequencies)[0]
    waves = waves * grid.carrier(grid.frequencies) * architecture.reference_weights()
    scale = envelope(grid.frequencies) * architecture.reference_weights()
    smooth = np.repeat(bank.ratios, grid.fold, axis=-1) * bank.anchors[:, None]
    rebuilt = smooth.reshape(bank.n_templates, grid.n_bins) * scale
    overlap = np.sum(rebuilt.conj() * waves, axis=1) / np.linalg.norm(rebuilt, axis=1) / np.linalg.norm(waves, axis=1)
    assert np.median(overlap.real) > 0.99
    assert overlap.real.min() > 0.94
    assert np.abs(overlap.imag).max() < 0.01
