"""Checks of an architecture as a whole: settings that are in range one by one may still not fit together.

They come before anything is built, so that a preset with a mistake ends in one line and not after an hour, and a model
file with changed settings does not take the memory of the machine.
"""

from chirpleaf.errors import InputError
from chirpleaf.models.architecture import Architecture
from chirpleaf.models.targets import LeafTargets
from chirpleaf.networks.convolutional import ConvolutionalSettings
from chirpleaf.networks.encoders import PooledSettings
from chirpleaf.networks.flow import FlowSettings
from chirpleaf.networks.leaves import BayesianLeafSettings, LeafSettings
from chirpleaf.physics.detectors import DETECTORS
from chirpleaf.representation.anchoring import ANCHORINGS
from chirpleaf.representation.templates import chirp_mass_ladder
from chirpleaf.system.checks import check_settings

MOST_WEIGHTS = 500_000_000
"""Largest number of weights of a network: two gigabytes in float32. The shipped ones have some millions."""

MOST_FREQUENCIES = 2**20
"""Largest number of frequencies of a segment, the duration times the highest frequency. 128 s up to 2048 Hz are a
quarter of it; each takes memory in every noise spectrum."""


def check_architecture(architecture: Architecture) -> None:
    """Checks that grid, space, signals, templates and networks can be made; computes no waveform.

    Args:
        architecture: the settings.

    Raises:
        InputError: a number is out of range, a name is unknown, or settings do not fit together.
    """
    check_settings(architecture)
    _check_names(architecture)
    _check_band(architecture)
    _check_size(architecture)


def _check_names(own: Architecture) -> None:
    """Detectors, approximant, space, signal model, direction, quantities."""
    detectors = own.detectors
    if not detectors or len(set(detectors)) < len(detectors) or any(name not in DETECTORS for name in detectors):
        found = ", ".join(map(str, detectors)) or "none"
        raise InputError(f"expected detectors among {', '.join(DETECTORS)}, each once; got {found}: name at least one")
    _ = own.space, own.signal_model  # makes both, which checks their names and the approximant
    if own.along not in ANCHORINGS:
        raise InputError(f"expected along among {', '.join(ANCHORINGS)}; got {own.along!r}: change it")
    if isinstance(own.head, LeafSettings | BayesianLeafSettings):
        if len(set(own.head.names)) < len(own.head.names):
            raise InputError(f"expected head.names each once; got {', '.join(own.head.names)}: leave one out")
        LeafTargets(own.head.names, own.space)


def _check_band(own: Architecture) -> None:
    """Segment, frequencies and templates."""
    lowest, highest, templates = own.minimum_frequency, own.maximum_frequency, own.templates
    if not lowest < highest:
        raise InputError(
            f"expected minimum_frequency below maximum_frequency; got {lowest:g} and {highest:g} Hz: 20 and 1024 are "
            "usual"
        )
    if own.duration * highest > MOST_FREQUENCIES:
        raise InputError(
            f"expected at most {MOST_FREQUENCIES:,} frequencies; got {own.duration:g} s up to {highest:g} Hz: lower "
            "duration or maximum_frequency"
        )
    if not own.grid.n_bins:
        raise InputError(
            f"expected room for {own.fold} bins from minimum_frequency to maximum_frequency; got none: lower fold, or "
            "take a longer duration or a wider band"
        )
    if not templates.chi_eff or len(set(templates.chi_eff)) < len(templates.chi_eff):
        raise InputError(
            f"expected templates.chi_eff with at least one spin, each once; got {list(templates.chi_eff)}: 0 is enough"
        )
    steps = {"phase_step": templates.phase_step, "ratio_step": templates.ratio_step}
    chirp_mass_ladder(*own.prior.chirp_mass_range, **steps, frequency=lowest)


def _check_size(own: Architecture) -> None:
    """Numbers of weights, and what has to divide what."""
    root, encoder, head = own.root, own.encoder, own.head
    if isinstance(encoder, PooledSettings):
        if encoder.width % encoder.heads:
            raise InputError(
                f"expected encoder.heads to divide encoder.width; got {encoder.heads} and {encoder.width}: 8 and 256 do"
            )
        _check_weights("encoder", 2 * encoder.width**2 * encoder.n_blocks)
    if isinstance(head, FlowSettings):
        _check_weights("head", head.n_transforms * head.n_hidden**2)
    if isinstance(root, ConvolutionalSettings):
        if not root.layers:
            raise InputError("expected root.layers with at least one layer; got none: leave root out for the default")
        inputs = (2 * len(own.detectors), *(layer.channels for layer in root.layers))
        sizes = [layer.kernel * layer.channels * n for layer, n in zip(root.layers, inputs, strict=False)]
        _check_weights("root", sum(sizes) + root.conditions * sum(layer.channels for layer in root.layers))
        _check_series(own, root)
    else:
        neurons = (root.width,) * root.n_blocks if root.hidden is None else root.hidden
        _check_weights("root", root.width * (2 * sum(neurons) + own.n_context))


def _check_series(own: Architecture, root: ConvolutionalSettings) -> None:
    """Series and convolutions that do not suit each other."""
    series = own.series
    if series is None:
        return
    if root.detectors == "sum" and series.align not in ("phase", "template"):
        raise InputError(
            f"expected series aligned by phase or template for root.detectors sum; got {series.align}: signals of "
            "several detectors would cancel, change series.align or root.detectors"
        )
    if root.conditions and not series.context:
        raise InputError(
            f"expected series.context true for {root.conditions} root.conditions; got false: change one of them"
        )


def _check_weights(name: str, number: int) -> None:
    if number > MOST_WEIGHTS:
        raise InputError(
            f"expected at most {MOST_WEIGHTS:.0e} weights in {name}; got {number:.1e}: take fewer or narrower layers"
        )
