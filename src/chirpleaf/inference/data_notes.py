"""What the user should know of the data of an analysis: bits of data quality, gaps, and what readers changed."""

from chirpleaf.inference.preparation import PreparedData
from chirpleaf.result.provenance import DetectorQuality
from chirpleaf.strain.segment import AFTER_TRIGGER


def describe_quality(data: PreparedData) -> dict[str, DetectorQuality]:
    """Checks of data quality that fail, and hardware injections, in the analysed segment.

    Args:
        data: the prepared data.

    Returns:
        Detector name to its quality; detectors whose files have no bits are left out.
    """
    segment = data.observation.segment
    end = segment.reference_time + AFTER_TRIGGER
    start = end - segment.duration
    return {
        name: DetectorQuality(series.quality.failed(start, end), series.quality.hardware_injections(start, end))
        for name, series in data.source.strain.items()
        if series.quality is not None
    }


def collect_notes(data: PreparedData) -> tuple[str, ...]:
    """Sentences on the data, in the order of the detectors.

    Args:
        data: the prepared data.
    """
    frequencies = data.observation.segment.frequencies
    notes = []
    for name, series in data.source.strain.items():
        spectrum = data.spectra[name]
        if series.quality is not None and series.quality.impaired:
            seconds = sum(end - start for start, end in series.quality.impaired)
            notes.append(f"{name}: {seconds:.0f} s without data or of failed category 1 count as gaps")
        if spectrum.note:
            notes.append(f"{name}: {spectrum.note}")
        notches = spectrum.find_notches(frequencies)
        if notches:
            listed = ", ".join(f"{low:g}" if low == high else f"{low:g}-{high:g}" for low, high in notches[:3]) + (
                ", ..." if notches[3:] else ""
            )
            notes.append(f"{name}: no weight at {listed} Hz, where the noise spectrum is zero or infinite")
        if name in data.likelihood_spectra:
            note = data.likelihood_spectra[name].note
            notes.append(
                f"{name}: the likelihood has a noise spectrum of its own, which the network does not see"
                + (f"; {note}" if note else "")
            )
    return tuple(notes)
