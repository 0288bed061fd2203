"""The content of a report, collected from a result."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import lal

from chirpleaf.report.command import write_command
from chirpleaf.report.numbers import decimals, write_published
from chirpleaf.report.pages import Fact, Page, Picture, Remark, Row
from chirpleaf.report.published import Published, find_published
from chirpleaf.report.words import describe_binary, describe_verdict
from chirpleaf.result import LeafEstimates, Posterior
from chirpleaf.system.citation import read_citation

Answer = Posterior | LeafEstimates

_COLUMNS = ("median", "lower", "upper", "unit")
"""Entries of a summary that every result has; further ones are uncertainty components."""

_FURTHER = ("final_mass_source", "redshift", "theta_jn")
"""Parameters of the table of a report beside those that `chirpleaf infer` prints."""


def build_page(
    result: Answer,
    pictures: Sequence[Picture],
    *,
    folder: Path | None = None,
    comparison: Sequence[tuple[str, ...]] = (),
    comparison_name: str = "",
) -> Page:
    """Collects what a report says.

    Args:
        result: a posterior or leaf estimates.
        pictures: the pictures of the page, in their order.
        folder: folder of the results, as the command names it.
        comparison: comparison with other samples, a row for each parameter.
        comparison_name: name of these samples.
    """
    origin, known = result.provenance, find_published(result.provenance.event)
    rows = () if result.impossible else tuple(_list_rows(result, known))
    return Page(
        event=origin.event,
        subtitle=_describe_data(result),
        grade=result.trust.grade.value,
        verdict=result.trust.verdict,
        sentence=describe_verdict(result),
        summary=describe_binary(result),
        remarks=tuple(_list_remarks(result)),
        rows=rows,
        components=_find_components(result) if rows else (),
        published=known.name if known and any(row.published for row in rows) else "",
        published_source=known.source if known else "",
        facts=tuple(_list_facts(result)),
        pictures=tuple(pictures),
        comparison=tuple(comparison),
        comparison_name=comparison_name,
        provenance=tuple(_list_provenance(result)),
        command=write_command(origin.recipe, folder) if origin.recipe else "",
        version=version("chirpleaf"),
    )


def _describe_data(result: Answer) -> str:
    """Detectors, time, waveforms and model."""
    origin = result.provenance
    year, month, day, hour, minute, second = lal.GPSToUTC(int(origin.trigger_time))[:6]
    utc = f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
    return f"{' '.join(origin.detectors)} · {utc} (GPS {origin.trigger_time:.2f}) · {origin.waveforms}"


def _list_remarks(result: Answer) -> Iterator[Remark]:
    """Findings, the worst first; reasons that no finding states; notes."""
    trust = result.trust
    findings = sorted(trust.findings, key=lambda one: -one.level)
    said = {one.message for one in findings}
    yield from (Remark("refuse", reason) for reason in trust.reasons if reason not in said)
    yield from (Remark(one.level.name.lower(), one.message) for one in findings)
    yield from (Remark("note", note) for note in (*result.provenance.notes, *trust.notes))


def _find_components(result: Answer) -> tuple[str, ...]:
    """Names of the uncertainty components of leaf estimates."""
    row = next(iter(result.summary(result.tabulated[:1]).values()))
    return tuple(name for name in row if name not in _COLUMNS)


def _list_rows(result: Answer, known: Published | None) -> Iterator[Row]:
    """Lines of the table."""
    names = result.tabulated + tuple(name for name in _FURTHER if name in result and name not in result.tabulated)
    components = _find_components(result)
    for name, row in result.summary(names).items():
        lower, upper = float(row["lower"]), float(row["upper"])
        digits = decimals(lower, upper)
        found = known.values.get(name) if known else None
        yield Row(
            name,
            _write_number(float(row["median"]), digits),
            f"{_write_number(lower, digits)} to {_write_number(upper, digits)}",
            str(row["unit"]).replace("M_sun", "M\N{CIRCLED DOT OPERATOR}"),
            write_published(found) if found else "",
            tuple(_write_number(float(row[component]), digits) for component in components),
        )


def _write_number(value: float, digits: int) -> str:
    """A number with a typographic minus sign."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _list_facts(result: Answer) -> Iterator[Fact]:
    """Loudness, and diagnostics of importance sampling."""
    trust = result.trust
    by_detector = ", ".join(f"{name} {value:.1f}" for name, value in trust.snr.items())
    yield Fact("signal-to-noise ratio", f"{trust.network_snr:.1f} ({by_detector})")
    if not isinstance(result, Posterior) or result.certificate is None:
        return
    one = result.certificate
    yield Fact("efficiency of importance sampling", f"{one.efficiency:.2g}")
    yield Fact("effective samples", f"{one.effective_samples:,.0f} of {one.draws:,} draws")
    if one.effective_points is not None and one.effective_pairs is not None:
        yield Fact("effective extrinsic points", f"{one.effective_points:,.0f}")
        yield Fact("effective pairs of a draw and a point", f"{one.effective_pairs:,.0f}")
    yield Fact("ln Bayes factor of a signal to noise", f"{one.log_bayes_factor:.2f} ± {one.log_bayes_factor_error:.2f}")
    yield Fact("Pareto k of the weights", f"{one.pareto_k:.2f}")
    yield Fact("error of ln L by the extrinsic points", f"{one.marginal_error:.3f}")
    yield Fact("error of ln L by the fast likelihood", f"{one.likelihood_error:.3f}")
    if result.sky is not None and not result.impossible:
        areas = f"{result.sky.area(0.5):,.0f} (50 %), {result.sky.area(0.9):,.0f} (90 %) square degrees"
        yield Fact("area on the sky", areas)


def _list_provenance(result: Answer) -> Iterator[Fact]:
    """Origin of the result."""
    origin = result.provenance
    yield Fact("trigger", f"GPS {origin.trigger_time!r}")
    if origin.duration:
        lowest = ", ".join(f"{one:g}" for one in dict.fromkeys(origin.f_min))
        yield Fact("data", f"{origin.duration:g} s, {lowest} to {origin.f_max:g} Hz, high-pass {origin.high_pass:g} Hz")
    yield Fact("noise spectra", f"{origin.psd_method}, from at most {origin.psd_length:g} s")
    yield Fact("waveforms", f"{origin.waveforms}, reference frequency {origin.f_ref:g} Hz")
    yield Fact("model", f"{origin.model}, trained on data {origin.data_sha256[:12]}")
    if result.prior is not None:
        yield Fact("prior", result.prior.name)
    for flaw in origin.flaws:
        yield Fact("flaw of the strain", flaw)
    if result.timing.get("total_s") is not None:
        yield Fact("time of the analysis", f"{result.timing['total_s']:.1f} s")
    if origin.recipe is not None:
        recipe = origin.recipe
        yield Fact("versions", ", ".join(f"{name} {found}" for name, found in recipe.versions.items()))
        yield Fact("machine", recipe.machine)
        for name, digest in recipe.hashes.items():
            yield Fact(f"SHA-256 of {name}", digest)
    yield Fact("to cite", read_citation().write())
