"""Template bank of the canonical input: a few dozen chirps that roughly identify the signal in the data.

Templates are laid out in chirp mass so that the leading-order phase (3/128)(pi G M_c f/c^3)^(-5/3) at the lowest
frequency steps by a given angle (after a fit of time and phase, about a tenth of it remains), and by a given ratio
where the merger, not the inspiral, carries the signal. They are grouped: an anchor chirp per group removes the fast
phase from the data once, and the remaining factor of each template is smooth enough for the grid's bands (relative
binning, arXiv:1806.08792).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from chirpleaf.errors import InputError
from chirpleaf.physics.inspiral import chirp_phase
from chirpleaf.physics.signals.model import SignalModel
from chirpleaf.representation.multiband import ComplexArray, FloatArray, Multiband
from chirpleaf.system.constraints import FORBID_EXTRA, PositiveFloat, PositiveInt

MOST_TEMPLATES = 10_000
"""Largest number of chirp masses of a bank. The shipped ones have some dozens; each takes time of a search."""


@dataclass(frozen=True)
class TemplateSettings:
    """Spacing of the template bank: closer templates fit better and take longer to search.

    Attributes:
        phase_step: step of the leading-order phase at the lowest frequency between light templates, rad.
        ratio_step: step of ln(chirp mass) between heavy templates.
        chi_eff: effective spins of the templates; both spins are equal.
        mass_ratio: mass ratio of the templates.
        rungs_per_group: chirp masses that share an anchor.
        spins_share_anchor: whether templates of all spins share an anchor; otherwise each spin has anchors of its own,
            which stay nearer to their templates.
    """

    __pydantic_config__: ClassVar = FORBID_EXTRA

    phase_step: PositiveFloat = 8.0
    ratio_step: PositiveFloat = 0.1
    chi_eff: tuple[Annotated[float, Gt(-1), Lt(1)], ...] = (-0.6, 0.0, 0.6)
    mass_ratio: Annotated[float, Ge(0.01), Le(1)] = 0.7
    rungs_per_group: PositiveInt = 4
    spins_share_anchor: bool = True


def chirp_mass_ladder(
    lowest: float, highest: float, *, phase_step: float, ratio_step: float, frequency: float
) -> FloatArray:
    """Chirp masses spaced by a phase step at low mass and by a ratio at high mass.

    Args:
        lowest: least chirp mass, solar masses.
        highest: greatest one, solar masses.
        phase_step: step of the leading-order phase at `frequency`, rad.
        ratio_step: step of ln(chirp mass) where the phase changes slowly.
        frequency: where the phase is counted, Hz.

    Returns:
        Chirp masses at the centres of equal steps, shape (n,), solar masses, increasing.
    """
    fine = np.geomspace(lowest, highest, 20_001)
    steps = -chirp_phase(fine, frequency) / phase_step + np.log(fine) / ratio_step
    if not steps[-1] - steps[0] < MOST_TEMPLATES:
        raise InputError(
            f"expected at most {MOST_TEMPLATES} chirp masses of templates; got {steps[-1] - steps[0]:.3g}: raise "
            "templates.phase_step and templates.ratio_step, or minimum_frequency"
        )
    n = max(int(np.ceil(steps[-1] - steps[0])), 1)
    return np.interp((np.arange(n) + 0.5) / n * (steps[-1] - steps[0]) + steps[0], steps, fine)


@dataclass(frozen=True)
class TemplateBank:
    """Templates in groups around anchors, on a multiband grid.

    `group` templates share the anchor `anchors[g]`; template k = g * per_group + i is `anchors[g]` times the smooth
    `ratios[g, i]`.

    Attributes:
        chirp_mass: shape (n_groups, per_group), solar masses.
        chi_eff: shape (n_groups, per_group).
        anchors: unit phase factors on the bins, carrier included, shape (n_groups, n_bins).
        ratios: template over anchor on the bands, amplitude relative to the inspiral envelope f^(-7/6),
            shape (n_groups, per_group, n_bands).
    """

    chirp_mass: FloatArray
    chi_eff: FloatArray
    anchors: ComplexArray
    ratios: ComplexArray

    @property
    def n_templates(self) -> int:
        """Number of templates."""
        return self.chirp_mass.size


def build_template_bank(
    grid: Multiband, signal: SignalModel, chirp_mass_range: tuple[float, float], settings: TemplateSettings
) -> TemplateBank:
    """Lays out and computes the templates.

    Args:
        grid: the multiband grid.
        signal: its dominant series is the template.
        chirp_mass_range: least and greatest chirp mass, solar masses.
        settings: spacing of the templates.

    Returns:
        The bank; the ladder is refined until its length is a multiple of `settings.rungs_per_group`.
    """
    ladder, n_groups = _ladder(grid, chirp_mass_range, settings)
    n_spins, per_group = len(settings.chi_eff), settings.rungs_per_group
    rungs, spins = np.meshgrid(ladder, np.asarray(settings.chi_eff), indexing="ij")
    shape = (n_groups, per_group * n_spins)
    middle = (per_group // 2) * n_spins + n_spins // 2
    if not settings.spins_share_anchor:
        by_spin = (n_groups, per_group, n_spins)
        rungs, spins = (values.reshape(by_spin).swapaxes(1, 2) for values in (rungs, spins))
        shape, middle = (n_groups * n_spins, per_group), per_group // 2
    waves = _templates(grid, signal, rungs.ravel(), spins.ravel(), settings.mass_ratio)
    waves = waves.reshape(*shape, grid.n_bins)
    anchors = np.stack([phase_factor(grid.frequencies, wave) for wave in waves[:, middle]])
    heterodyned = (waves * anchors.conj()[:, None]).reshape(*shape, grid.n_bands, grid.fold)
    return TemplateBank(
        chirp_mass=rungs.reshape(shape), chi_eff=spins.reshape(shape), anchors=anchors, ratios=heterodyned.mean(axis=-1)
    )


def _ladder(grid: Multiband, bounds: tuple[float, float], settings: TemplateSettings) -> tuple[FloatArray, int]:
    """Chirp masses in a whole number of groups, and that number."""

    def place(shrink: float) -> FloatArray:
        return chirp_mass_ladder(
            *bounds,
            phase_step=settings.phase_step * shrink,
            ratio_step=settings.ratio_step * shrink,
            frequency=grid.minimum_frequency,
        )

    length, per_group = len(place(1.0)), settings.rungs_per_group
    n_groups = -(-length // per_group)
    return place(length / (n_groups * per_group + 0.5))[: n_groups * per_group], n_groups


def _templates(
    grid: Multiband, signal: SignalModel, chirp_mass: FloatArray, chi: FloatArray, mass_ratio: float
) -> ComplexArray:
    """Waveforms times the carrier, over the inspiral envelope, peak of the modulus one; (n, n_bins)."""
    ratios = np.full_like(chirp_mass, mass_ratio)
    binaries = {"chirp_mass": chirp_mass, "mass_ratio": ratios, "chi_1": chi, "chi_2": chi}
    series = signal.series(binaries, grid.frequencies)[:, signal.dominant]
    waves = series * grid.carrier(grid.frequencies) / envelope(grid.frequencies)
    return waves / np.abs(waves).max(axis=1, keepdims=True)


def envelope(frequencies: FloatArray) -> FloatArray:
    """Amplitude of an inspiral, f^(-7/6), normalised to 1 at 100 Hz; shape of `frequencies` (Hz)."""
    return (frequencies / 100.0) ** (-7 / 6)


def phase_factor(frequencies: FloatArray, wave: ComplexArray) -> ComplexArray:
    """exp(i arg h), continued linearly in phase beyond the end of the waveform.

    Args:
        frequencies: shape (n,), Hz.
        wave: h there, shape (n,).
    """
    strength = np.abs(wave)
    live = np.flatnonzero(strength > 1e-3 * strength.max())
    phase = np.unwrap(np.angle(wave[live[0] : live[-1] + 1]))
    slope = (phase[-1] - phase[-5]) / (frequencies[live[-1]] - frequencies[live[-1] - 4])
    beyond = phase[-1] + slope * (frequencies[live[-1] + 1 :] - frequencies[live[-1]])
    before = np.full(live[0], phase[0])
    return np.exp(1j * np.concatenate([before, phase, beyond]))
