"""Settings of the checks of the model: does the signal show what the model of the answer does not have?"""

from dataclasses import dataclass

from chirpleaf.inference.trust.levels import Threshold


@dataclass(frozen=True)
class MisfitSettings:
    """Whether precession or higher modes are left over.

    Attributes:
        waveforms: precessing waveforms that the directions are made of. More cost time, some 15 ms each on 8 s of data.
        directions: directions in each detector. More catch more of an unusual signal, and more noise.
        largest_spin: greatest magnitude of the spins of these waveforms; models fail close to one.
        step: step of mass ratio and spins to neighbouring signals, and of the chirp mass in parts of itself.
        highest_frequency: end of the band, Hz. A lower one saves time and loses the higher modes of light binaries.
        excess: power in these directions, standard deviations of a normal variable of the same probability.
    """

    waveforms: int = 12
    directions: int = 3
    largest_spin: float = 0.98
    step: float = 0.03
    highest_frequency: float = 512.0
    excess: Threshold = Threshold(2.3, 5.0)


@dataclass(frozen=True)
class PrecessionSettings:
    """Whether a binary whose spins precess is more likely than that of the answer.

    Attributes:
        excess: misfit, in standard deviations, from which on it is asked. A lower one finds more biased answers, and
            takes the time of a comparison for more that are right: 0.6 s each.
        explained: misfit that counts as a fluctuation of the noise if such a binary is not more likely.
        draws: draws of the network of precessing spins. More reduce the error of the evidence.
        dephasing: as in certification, rad, but for an error of ln L of some tenths.
        band_draws: as in certification.
        points: points by which the number of extrinsic points is chosen; a round has at most four times as many.
        rounds: rounds of the adaptation of the points.
        log_bayes_factor: ln of the Bayes factor of a binary whose spins precess against that of the answer.
    """

    excess: float = 1.0
    explained: float = 3.5
    draws: int = 128
    dephasing: float = 1.2
    band_draws: int = 6
    points: int = 256
    rounds: int = 4
    log_bayes_factor: Threshold = Threshold(3.0, 10.0)
