"""Trust: checks of data, signal, model and sampling, and the verdict that follows from them.

A network returns a posterior for any input, and importance weights compare the proposal with the likelihood, but never
the likelihood with the data. These checks do. Each is a function that returns findings (`chirpleaf.result.trust`) and
raises nothing on ugly data; `assessment` composes them.

| module | question | area |
|---|---|---|
| `before` | is an answer refused, whatever its draws are? | data, signal |
| `data` | are strain, header and noise spectrum what they claim to be? | data |
| `observation` | is there a signal within the range that the model was trained for? | signal, model |
| `glitches` | do glitches in single detectors explain the data as well? | signal |
| `coherence` | do all detectors see the same binary? | signal |
| `balance` | do sky and orientation allow the signal-to-noise ratios of the detectors? | signal |
| `placement` | is the signal that a detector lacks elsewhere in its strain? | data |
| `residuals` | is what the best signal leaves white noise? | model |
| `misfit` | are precession or higher modes left, which the model does not have? | model |
| `walls` | does the posterior end only because a prior does? | model |
| `neighbours` | does a model of lighter or heavier binaries find a louder signal? | model |
| `assessment` | do the importance-sampling diagnostics allow an answer? | sampling |

`before` composes the checks before any draw is made, `after` those of certified draws, `assessment` all checks;
`settings` holds every limit.
"""

from chirpleaf.inference.trust.assessment import assess, assess_certified, assess_network
from chirpleaf.inference.trust.before import Preliminary, examine_before
from chirpleaf.inference.trust.settings import DEFAULT_TRUST, TrustSettings

__all__ = [
    "DEFAULT_TRUST",
    "Preliminary",
    "TrustSettings",
    "assess",
    "assess_certified",
    "assess_network",
    "examine_before",
]
