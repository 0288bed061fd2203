"""Every setting of a preset with odd values: the preset is read, or refused in one line; nothing large is allocated."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from presets_odd import BASES, ODD, list_places, replace_value

from chirpleaf.config import Preset, read_preset
from chirpleaf.errors import InputError
from chirpleaf.models import Architecture
from chirpleaf.models.architecture_checks import check_architecture
from chirpleaf.networks.residual import ResidualSettings

WHOLE: dict[str, Any] = {name: Preset.model_validate(base).model_dump(mode="json") for name, base in BASES.items()}
PLACES = [(name, place) for name, values in WHOLE.items() for place in list_places(values)]


def _read(values: Any, folder: Path) -> None:
    """Reads a preset, which may be refused in one line."""
    path = folder / "preset.yaml"
    path.write_text(yaml.safe_dump(values))
    message = ""
    try:
        read_preset(path)
    except InputError as error:
        message = str(error)
    assert "\n" not in message


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(where=st.sampled_from(PLACES), value=st.sampled_from(ODD))
def test_no_setting_causes_a_traceback(where: tuple[str, tuple[Any, ...]], value: Any, tmp_path: Path) -> None:
    name, place = where
    _read(replace_value(WHOLE[name], place, value), tmp_path)


@pytest.mark.parametrize("name", BASES)
def test_the_presets_are_sound_as_they_stand(name: str, tmp_path: Path) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(yaml.safe_dump(WHOLE[name]))
    read_preset(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("detectors: []", "detectors among H1"),
        ("detectors: [H1, H1]", "each once"),
        ("duration: 1.0e+9", "Architecture.duration"),
        ("duration: .inf", "duration"),
        ("duration: 4096", "at most 1,048,576 frequencies"),
        ("{minimum_frequency: 40, maximum_frequency: 30}", "minimum_frequency below"),
        ("{minimum_frequency: 20, maximum_frequency: 20.1}", "room for 4 bins"),
        ("minimum_frequency: 1.0e-9", "Architecture.minimum_frequency"),
        ("seed: -1", "seed"),
        ("seed: 99999999999999999999", "seed"),
        ("templates: {chi_eff: []}", "at least one spin"),
        ("templates: {phase_step: 1.0e-9}", "at most 10000 chirp masses"),
        ("prior: {mass_max: .inf}", "mass_max"),
        ("prior: {chirp_mass_min: .nan}", "chirp_mass_min"),
        ("prior: {mass_min: 1.0e-300}", "mass_min"),
        ("approximant: IMRPhenomNone", "expected an approximant"),
        ("root: {width: 16384, n_blocks: 512}", "weights in root"),
        ("encoder: {kind: pooled, width: 10, heads: 4}", "heads to divide"),
        ("head: {kind: leaves, names: []}", "expected leaves"),
        ("head: {kind: leaves, names: [mass_1, mass_1]}", "each once"),
        ("simulation: {snr_range: [60, 7]}", "smaller number first"),
        ("simulation: {families: []}", "at least one family"),
        ("simulation: {subsets: {sizes: [1], weights: [1]}}", "for 2 detectors"),
        ("schedule: {learning_rate: .nan}", "learning_rate"),
        ("schedule: {epochs: 1000000000000}", "epochs"),
    ],
)
def test_settings_that_do_not_fit_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(yaml.safe_dump({"name": "x", **yaml.safe_load(text)}))
    with pytest.raises(InputError, match=message):
        read_preset(path)


def test_a_model_of_too_many_weights_is_refused_before_it_is_built() -> None:
    with pytest.raises(InputError, match="weights in root"):
        check_architecture(Architecture(root=ResidualSettings(width=16384, n_blocks=512)))
