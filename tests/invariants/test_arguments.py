"""Numbers that users give to the Python interface: wrong ones are refused in one line before any work."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import chirpleaf
from chirpleaf.diagnostics.strain_injection import StrainSettings
from chirpleaf.errors import InputError
from chirpleaf.inference.certify.settings import (
    CertifySettings,
    HeterodyneSettings,
    SamplingSettings,
    SpinCoordinateSettings,
    TableSettings,
)
from chirpleaf.inference.options import DataOptions
from chirpleaf.models import Architecture
from chirpleaf.networks.encoders import PooledSettings
from chirpleaf.networks.residual import ResidualSettings
from chirpleaf.physics.bijections import Interval
from chirpleaf.physics.distributions import Cosine, PowerLaw, ProjectedSpin, Sine, Uniform
from chirpleaf.physics.extrinsic_prior import ExtrinsicPrior
from chirpleaf.physics.precessing_prior import PrecessingPrior
from chirpleaf.physics.priors import IntrinsicPrior
from chirpleaf.physics.spaces import aligned_space
from chirpleaf.physics.waveform_settings import WaveformSettings
from chirpleaf.strain.noise_spectrum import SpectrumSettings
from chirpleaf.tokens import TokenLayout
from chirpleaf.training.recipe import train
from chirpleaf.training.schedule import Schedule
from chirpleaf.training.simulation import Simulation

pytestmark = pytest.mark.usefixtures("unchecked_types")

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seed", [-1, 1.5, None, "a", 2**63]),
        ("samples", [0, -3, 1.5, "5", None, True]),
        ("budget", [NAN, -5, 0, INF, "60"]),
        ("effective_samples", [-3, 0, 1.5, "5"]),
        ("workers", [0, -1, 1.5, None]),
    ],
)
def test_wrong_numbers_are_refused(name: str, values: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def read_data(*_: object, **__: object) -> None:
        raise AssertionError("data are read")

    monkeypatch.setattr("chirpleaf.inference.request.prepare", read_data)
    for value in values:
        with pytest.raises(InputError, match=rf"expected {name}.* to be a .* number .*; got .*: \w+") as caught:
            chirpleaf.infer("GW150914", **{name: value})
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("choice", [{"budget": 3.0}, {"effective_samples": 5}, {"prior": "standard"}])
def test_what_only_a_certification_takes_is_refused_without(choice: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected certification with effective samples, a budget"):
        chirpleaf.infer("GW150914", certify=False, **choice)


@pytest.mark.parametrize("options", [{"duration": 4.0}, {"f_min": 30.0}, {"f_max": 512.0}])
def test_a_network_alone_takes_no_other_band(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected certification with a duration, --f-min or --f-max"):
        chirpleaf.infer("GW150914", certify=False, options=DataOptions(**options))


@pytest.mark.parametrize(
    "wrong", [{"budget": NAN}, {"budget": -1.0}, {"budget": "3"}, {"effective_samples": -1}, {"minimum_draws": 1.5}]
)
def test_settings_of_certification_are_checked(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=rf"expected CertifySettings\.{name} to be a (whole|finite) number"):
        CertifySettings(**wrong)


def test_parts_of_models_refuse_sizes_that_do_not_fit() -> None:
    with pytest.raises(InputError, match="expected heads that divide the width 8; got 3"):
        PooledSettings(width=8, heads=3).build(TokenLayout(2, (3, 1)))
    for low, high in ((1.0, 1.0), (2.0, 1.0), (0.0, INF), (NAN, 1.0)):
        with pytest.raises(InputError, match="expected finite bounds in order"):
            Interval(0, low, high)
    space = aligned_space(IntrinsicPrior())
    for shape in ((3, 5), (3,), ()):
        with pytest.raises(InputError, match="expected columns of chirp_mass"):
            space.unstack(np.zeros(shape))
        theta = torch.zeros(shape, dtype=torch.float64)
        for map_columns in (space.bijection, space.bijection.inv, partial(space.bijection.log_abs_det_jacobian, theta)):
            with pytest.raises(InputError, match=r"expected columns of chirp_mass.*; got shape .*: give 4 columns"):
                map_columns(theta)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (lambda: CertifySettings(sampling=SamplingSettings(growth=0)), "SamplingSettings.growth"),
        (lambda: CertifySettings(table=TableSettings(cells_loud=(1, 64, 0, 24))), r"TableSettings.cells_loud\[2\]"),
        (lambda: CertifySettings(table=TableSettings(cells_loud=(1, 64))), "TableSettings.cells_loud"),
        (lambda: CertifySettings(sampling=HeterodyneSettings()), "CertifySettings.sampling"),
        (lambda: CertifySettings(spin_coordinates=SpinCoordinateSettings(cells=0)), "SpinCoordinateSettings.cells"),
        (
            lambda: CertifySettings(spin_coordinates=SpinCoordinateSettings(background=2.0)),
            "SpinCoordinateSettings.background",
        ),
        (lambda: Architecture(root=ResidualSettings(width=-4)).build(), "ResidualSettings.width"),
        (lambda: Architecture(root=ResidualSettings(hidden=(8, 0))).build(), r"ResidualSettings.hidden\[1\]"),
        (lambda: Architecture(arrival_margin=-0.1).build(), "Architecture.arrival_margin"),
        (lambda: Architecture(duration=0.0).build(), "Architecture.duration"),
        (lambda: Architecture(encoder=PooledSettings(heads=0)).build(), "PooledSettings.heads"),
        (lambda: train("x", Architecture(), Simulation(spectra=0), Schedule(), out=Path()), "Simulation.spectra"),
        (lambda: train("x", Architecture(), Simulation(), Schedule(muon=-1.0), out=Path()), "Schedule.muon"),
    ],
)
def test_settings_within_settings_are_checked(settings: Callable[[], object], name: str) -> None:
    with pytest.raises(InputError, match=rf"expected {name} to (be|have) .*; got .*: correct it"):
        settings()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: SpectrumSettings(length=value), "SpectrumSettings.length"),
        (lambda value: SpectrumSettings(stretch=value), "SpectrumSettings.stretch"),
        (lambda value: StrainSettings(duration=value), "StrainSettings.duration"),
        (lambda value: WaveformSettings(reference_frequency=value), "WaveformSettings.reference_frequency"),
        (lambda value: IntrinsicPrior(mass_max=value), "IntrinsicPrior.mass_max"),
        (lambda value: PrecessingPrior(spin_max=value), "PrecessingPrior.spin_max"),
        (lambda value: ExtrinsicPrior(distance_min=value), "ExtrinsicPrior.distance_min"),
        (lambda value: Uniform(0.0, value), "maximum"),
        (Sine, "minimum"),
        (lambda value: Cosine(maximum=value), "maximum"),
        (lambda value: PowerLaw(value, 1.0, 2.0), "exponent"),
        (ProjectedSpin, "greatest"),
    ],
)
@pytest.mark.parametrize("value", ["32", [1.0], 1j, True, np.ones(2)])
def test_priors_and_settings_take_numbers_alone(make: Callable[[Any], object], name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"expected {name} to be a (whole )?number; got .*: correct it"):
        make(value)
    fraction = name in ("greatest", "PrecessingPrior.spin_max", "minimum", "maximum")
    make(np.float64(0.8) if fraction else 64)
