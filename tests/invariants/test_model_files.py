"""Model files: round trips, no unpickling, and a message for every kind of broken file."""

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file as load_plain
from safetensors.numpy import save_file as save_plain

from chirpleaf.errors import InputError
from chirpleaf.models import Architecture, Model, load, load_model, save
from chirpleaf.models.architecture_json import decode_architecture, encode_architecture
from chirpleaf.models.files import FORMAT, describe
from chirpleaf.models.shipped import available_models
from chirpleaf.networks.encoders import ConcatenationSettings, EncoderSettings, PooledSettings
from chirpleaf.representation.canonical import Canonical

add_checksum = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "add_model_checksums.py"))["add_checksum"]


@pytest.fixture(scope="module")
def file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    save(model, path)
    return path


def document_of(path: Path) -> dict:
    with safe_open(path, framework="numpy") as opened:
        return json.loads(opened.metadata()["chirpleaf"])


def seen_by(model: Model) -> Canonical:
    shape = (3, 2, model.architecture.grid.n_bins)
    noise = torch.view_as_complex(torch.randn(*shape, 2, generator=torch.Generator().manual_seed(4)))
    return model.estimator.canonical(4 * noise, torch.ones(shape))


def test_round_trip(model: Model, file: Path) -> None:
    loaded = load(file)
    assert (loaded.name, loaded.provenance, loaded.detectors) == (model.name, model.provenance, model.detectors)
    assert (loaded.duration, loaded.n_parameters) == (model.duration, model.n_parameters)
    assert json.dumps(encode_architecture(loaded.architecture)) == json.dumps(encode_architecture(model.architecture))
    assert not loaded.estimator.training
    before, after = seen_by(model), seen_by(loaded)
    assert torch.equal(after.template, before.template)
    torch.testing.assert_close(after.tokens, before.tokens, rtol=0, atol=1e-3)
    samples = [one.estimator.sample(seen, 200, torch.Generator().manual_seed(0)) for one, seen in
               ((model, before), (loaded, after))]  # fmt: skip
    # A draw that lies between two components of a mixture may change sides: float16 rounds their weights.
    close = torch.isclose(samples[1][0], samples[0][0], rtol=0.01, atol=0.02).all(-1)
    assert close.float().mean() > 0.97
    assert not torch.equal(samples[1][0], samples[0][0])


def test_weights_are_saved_to_half_precision(model: Model, file: Path) -> None:
    loaded = load(file).estimator.density.state_dict()
    for name, weight in model.estimator.density.state_dict().items():
        assert torch.equal(loaded[name], weight.half().float()), name


def test_a_loaded_model_is_saved_to_the_same_bytes(file: Path, tmp_path: Path) -> None:
    save(load(file), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()
    assert list(tmp_path.iterdir()) == [tmp_path / "again.safetensors"]


def test_the_file_is_plain_safetensors(file: Path, model: Model) -> None:
    tensors = load_plain(file)
    assert {name.split(".")[0] for name in tensors} == {"density", "templates"}
    assert all(values.dtype == np.float16 for name, values in tensors.items() if name.startswith("density."))
    document = document_of(file)
    assert document["format"] == FORMAT
    assert document["architecture"]["prior"]["chirp_mass_min"] == 20.0
    assert describe(file) == document
    assert b"PK\x03\x04" not in file.read_bytes()[:8]


def rewritten(change: Callable[[dict, dict], None]) -> Callable[[Path, Path], None]:
    """Breaks a file without a checksum by a change of its document or its tensors."""

    def broken(source: Path, target: Path) -> None:
        document, tensors = document_of(source), load_plain(source)
        document.pop("sha256")
        change(document, tensors)
        save_plain(tensors, target, metadata={"chirpleaf": json.dumps(document)})

    return broken


def cut_short(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes()[:-1000])


def cut_in_the_header(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes()[:100])


def empty(source: Path, target: Path) -> None:
    target.write_bytes(b"")


def text(source: Path, target: Path) -> None:
    target.write_text("weights\n" * 100)


def foreign(source: Path, target: Path) -> None:
    save_plain({"weight": np.zeros(3)}, target, metadata={"format": "pt"})


def pickled(source: Path, target: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, target)


def garbled(source: Path, target: Path) -> None:
    save_plain(load_plain(source), target, metadata={"chirpleaf": "{not json"})


BROKEN = {
    "cut short": (cut_short, "cut short or something else"),
    "cut in the header": (cut_in_the_header, "cut short or something else"),
    "empty": (empty, "cut short or something else"),
    "text": (text, "cut short or something else"),
    "pickle": (pickled, "cut short or something else"),
    "foreign": (foreign, "a safetensors file of another program"),
    "garbled header": (garbled, "whose header is damaged"),
    "no format": (rewritten(lambda header, _: header.pop("format")), "whose header is damaged"),
    "endless format": (rewritten(lambda header, _: header.update(format=float("inf"))), "whose header is damaged"),
    "newer format": (rewritten(lambda header, _: header.update(format=FORMAT + 1)), "got format 2 .* update chirpleaf"),
    "unknown field": (
        rewritten(lambda header, _: header["architecture"].update(colour="blue")), "another version of chirpleaf"
    ),
    "no prior": (rewritten(lambda header, _: header["architecture"].pop("prior")), "another version of chirpleaf"),
    "unknown head": (rewritten(lambda header, _: header["architecture"].update(head={"kind": "tail"})), "'tail'"),
    "unknown setting of the head": (
        rewritten(lambda header, _: header["architecture"]["head"].update(colour=1)), "got something else .*colour"
    ),
    "wider root": (
        rewritten(lambda header, _: header["architecture"]["root"].update(width=65)), "parts do not fit .*size mismatch"
    ),
    "another grid": (rewritten(lambda header, _: header["architecture"].update(duration=8.0)), "parts do not fit"),
    "no provenance": (rewritten(lambda header, _: header.pop("provenance")), "parts do not fit"),
    "missing weights": (rewritten(lambda _, tensors: tensors.pop("density.head.affine.bias")), "parts do not fit"),
    "missing templates": (rewritten(lambda _, tensors: tensors.pop("templates.ratios")), "parts do not fit"),
}  # fmt: skip


@pytest.mark.parametrize(("breaking", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_an_input_error(
    breaking: Callable[[Path, Path], None], message: str, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "broken.safetensors"
    breaking(file, path)
    with pytest.raises(InputError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value) or "architecture" in str(caught.value) or "head" in str(caught.value)


def flip_a_bit(path: Path, target: Path, place: float) -> None:
    """Changes the lowest bit of one byte of the tensors."""
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start + round(place * (len(content) - 1 - start))] ^= 1
    target.write_bytes(content)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 1.0])
def test_a_flipped_bit_is_an_input_error(file: Path, tmp_path: Path, place: float) -> None:
    path = tmp_path / "flipped.safetensors"
    flip_a_bit(file, path, place)
    with pytest.raises(InputError, match=r"got .*flipped\.safetensors, whose checksum differs.*: fetch it again"):
        load(path)


def test_a_changed_document_or_a_zeroed_layer_is_an_input_error(file: Path, tmp_path: Path) -> None:
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
    layer = next(name for name, values in load_plain(file).items() if name.startswith("density.") and values.ndim == 2)
    changed = {**metadata, "chirpleaf": metadata["chirpleaf"].replace('"random"', '"render"')}
    zeroed = {**load_plain(file), layer: np.zeros_like(load_plain(file)[layer])}
    for content, header in ((load_plain(file), changed), (zeroed, metadata)):
        save_plain(content, tmp_path / "changed.safetensors", metadata=header)
        with pytest.raises(InputError, match="whose checksum differs"):
            load(tmp_path / "changed.safetensors")


def test_a_file_of_a_former_version_is_read_and_gets_a_checksum(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "former.safetensors"
    rewritten(lambda *_: None)(file, path)
    assert "sha256" not in document_of(path)
    load(path)
    add_checksum(path)
    assert path.read_bytes() == file.read_bytes()


def test_shipped_models_have_a_checksum() -> None:
    for name in available_models():
        path = Path(str(resources.files("chirpleaf.models"))) / "weights" / f"{name}.safetensors"
        assert len(document_of(path)["sha256"]) == 64, name


def test_a_missing_file_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a model file; got no file .*nothing\.safetensors"):
        load_model(tmp_path / "nothing.safetensors")
    with pytest.raises(InputError, match=r"expected a shipped model .* got 'nothing': see `chirpleaf models`"):
        load_model("nothing")


def test_a_failed_save_leaves_the_old_file(model: Model, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    path.write_bytes(file.read_bytes())
    unserialisable = Model("random", model.architecture, model.estimator, {"seed": object()})
    with pytest.raises(TypeError):
        save(unserialisable, path)
    assert path.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("preset", ["bbh", "bbh-long"])
def test_architectures_round_trip_through_json(preset: str, shipped: Callable[[str], Architecture]) -> None:
    architecture = shipped(preset)
    again = decode_architecture(json.loads(json.dumps(encode_architecture(architecture))))
    assert json.dumps(encode_architecture(again)) == json.dumps(encode_architecture(architecture))
    assert again.grid == architecture.grid
    np.testing.assert_array_equal(again.reference_weights(), architecture.reference_weights())


def test_an_architecture_of_before_a_setting_has_its_default(architecture: Architecture) -> None:
    values = encode_architecture(architecture)
    del values["fold"]
    assert decode_architecture(values).grid == architecture.grid


def test_an_older_file_has_no_background(model: Model) -> None:
    values = encode_architecture(model.architecture)
    assert decode_architecture(values).background == model.architecture.background > 0
    del values["background"]
    assert decode_architecture(values).background == 0


@pytest.mark.parametrize("settings", [PooledSettings(width=64, heads=4), ConcatenationSettings()])
def test_an_older_file_has_its_encoder_in_two_fields(model: Model, settings: EncoderSettings) -> None:
    architecture = replace(model.architecture, encoder=settings)
    values = encode_architecture(architecture)
    assert decode_architecture(values) == architecture
    sizes = {"width": 64, "n_blocks": 1, "heads": 4}
    older = {**values, "encoder": settings.kind, "pooling": sizes}
    assert decode_architecture(older) == architecture
    for wrong in ({**values, "pooling": sizes}, {**older, "encoder": "sum"}):
        with pytest.raises(InputError, match=r"expected (settings of the encoder|an encoder among).*; got .*: m"):
            decode_architecture(wrong)


def test_settings_that_do_not_fit_together_are_refused_before_anything_is_built(model: Model, tmp_path: Path) -> None:
    """A file of another program can have a right checksum and an architecture that cannot be."""
    path = tmp_path / "wrong.safetensors"
    save(replace(model, architecture=replace(model.architecture, detectors=("H1", "H1"))), path)
    with pytest.raises(InputError, match=r"expected detectors among .*, each once; got H1, H1: name at least one"):
        load(path)
