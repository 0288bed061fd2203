"""Certificates of samples that are weighted twice."""

from dataclasses import replace

import made_results
import numpy as np
import pytest

from chirpleaf.inference.certify.importance import ImportanceDiagnostics
from chirpleaf.inference.certify.mode_reweighting import combine_certificates

CERTIFICATE = replace(made_results.CERTIFICATE, pareto_k=0.3, largest_weight=0.01)


@pytest.mark.parametrize("width", [1e-3, 3.0])
def test_the_worse_tail_of_both_weights_counts(width: float) -> None:
    second = ImportanceDiagnostics.from_log_weights(np.random.default_rng(0).normal(size=500) * width)
    found = combine_certificates(CERTIFICATE, second)
    assert (second.pareto_k > CERTIFICATE.pareto_k) == (width == 3.0)  # each of both is the worse one in a case
    assert found.pareto_k == max(CERTIFICATE.pareto_k, second.pareto_k)
    assert found.largest_weight == max(CERTIFICATE.largest_weight, second.largest_weight)
    assert found.efficiency == pytest.approx(CERTIFICATE.efficiency * second.efficiency)
    assert found.effective_samples == second.effective_samples
    assert found.log_bayes_factor == pytest.approx(CERTIFICATE.log_bayes_factor + second.log_evidence)
    assert found.log_bayes_factor_error == pytest.approx(np.hypot(CERTIFICATE.log_bayes_factor_error, second.error))
