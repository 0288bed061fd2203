"""Tests of general relativity: one signal against itself.

| module | holds |
|---|---|
| `settings` | all numbers that trade accuracy for time |
| `flat_prior` | a prior under which final mass and final spin are uniform |
| `parts` | posteriors of the inspiral alone and of the post-inspiral alone, by the likelihood with masked frequencies |
| `deviation` | fractional deviations between the remnants of both parts, and the quantile of general relativity |
| `comparison` | the composition of these for one event |
| `leaves` | the leaves of the remnant against the fits |
| `analysis` | all stages from the data to the result, with its verdict |
| `document` | the result as JSON |
"""

from chirpleaf.inference.relativity.analysis import RelativityTest, check_relativity
from chirpleaf.inference.relativity.comparison import Comparison, Part, compare_parts
from chirpleaf.inference.relativity.deviation import Deviation
from chirpleaf.inference.relativity.document import to_json
from chirpleaf.inference.relativity.settings import RelativitySettings

__all__ = [
    "Comparison",
    "Deviation",
    "Part",
    "RelativitySettings",
    "RelativityTest",
    "check_relativity",
    "compare_parts",
    "to_json",
]
