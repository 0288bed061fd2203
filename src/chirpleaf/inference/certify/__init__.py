"""Certification: samples of the network weighed by the exact likelihood.

`likelihood` -> the Whittle likelihood on the full grid; `heterodyne` -> the same on few frequencies about a reference
waveform; `distance` -> phase and distance integrated out; `extrinsics` -> where and how the source lies, sampled;
`marginal` -> the likelihood of the intrinsic parameters alone; `importance` -> weights, efficiency, evidence;
`certification` -> all of it, for an observation.
"""

from chirpleaf.inference.certify.certificate import Certified
from chirpleaf.inference.certify.certification import certified
from chirpleaf.inference.certify.target import Prior, Target

__all__ = ["Certified", "Prior", "Target", "certified"]
