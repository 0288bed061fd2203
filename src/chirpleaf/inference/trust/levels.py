"""From the value of a statistic to a level."""

from dataclasses import dataclass

from chirpleaf.result.trust import Level


@dataclass(frozen=True)
class Threshold:
    """Two values of a statistic.

    Attributes:
        warn: value at which the answer is doubtful.
        refuse: value at which it is refused.
    """

    warn: float
    refuse: float


def grade_value(value: float, threshold: Threshold) -> Level:
    """The level of a value; larger values are worse if the threshold increases, else smaller ones.

    Args:
        value: the statistic; one that is not a number is refused.
        threshold: its limits.

    Example:
        >>> grade_value(4.0, Threshold(3.0, 5.0)).name, grade_value(4.0, Threshold(3.0, -3.0)).name
        ('WARN', 'NOTE')
    """
    sign = 1.0 if threshold.refuse > threshold.warn else -1.0
    if not sign * value < sign * threshold.refuse:
        return Level.REFUSE
    return Level.WARN if sign * value >= sign * threshold.warn else Level.NOTE
