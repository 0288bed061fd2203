"""The parameters of a binary black hole merger: the only table of names, units, LaTeX symbols and ranges.

Names are bilby's (arXiv:1811.02042), so that results interchange. Masses are detector-frame unless the name
ends in `_source`; detector-frame mass = source-frame mass x (1 + redshift). The ranges follow
from the definition of a parameter; the range of an analysis is that of its prior (`chirpleaf.physics.priors`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SOLAR_MASS = "M_sun"


@dataclass(frozen=True)
class Parameter:
    r"""Name, unit, symbol and range of a parameter.

    Attributes:
        name: bilby's name, e.g. `"chirp_mass"`.
        unit: unit of every stored value, empty when dimensionless.
        latex: symbol for figures, without dollar signs or unit.
        minimum: smallest meaningful value, in `unit`.
        maximum: largest meaningful value, in `unit`.

    Example:
        >>> PARAMETERS["chirp_mass"].label
        '$\\mathcal{M}$ [$M_\\odot$]'
    """

    name: str
    unit: str
    latex: str
    minimum: float
    maximum: float

    @property
    def label(self) -> str:
        """Axis label: the symbol and the unit, if any."""
        if not self.unit:
            return f"${self.latex}$"
        unit = r"$M_\odot$" if self.unit == SOLAR_MASS else self.unit
        return f"${self.latex}$ [{unit}]"


_ALL = (
    Parameter("chirp_mass", SOLAR_MASS, r"\mathcal{M}", 0.0, math.inf),
    Parameter("mass_ratio", "", "q", 0.0, 1.0),
    Parameter("symmetric_mass_ratio", "", r"\eta", 0.0, 0.25),
    Parameter("mass_1", SOLAR_MASS, "m_1", 0.0, math.inf),
    Parameter("mass_2", SOLAR_MASS, "m_2", 0.0, math.inf),
    Parameter("total_mass", SOLAR_MASS, "M", 0.0, math.inf),
    Parameter("chirp_mass_source", SOLAR_MASS, r"\mathcal{M}^\mathrm{source}", 0.0, math.inf),
    Parameter("mass_1_source", SOLAR_MASS, r"m_1^\mathrm{source}", 0.0, math.inf),
    Parameter("mass_2_source", SOLAR_MASS, r"m_2^\mathrm{source}", 0.0, math.inf),
    Parameter("total_mass_source", SOLAR_MASS, r"M^\mathrm{source}", 0.0, math.inf),
    Parameter("chi_1", "", r"\chi_1", -1.0, 1.0),
    Parameter("chi_2", "", r"\chi_2", -1.0, 1.0),
    Parameter("chi_eff", "", r"\chi_\mathrm{eff}", -1.0, 1.0),
    Parameter("chi_p", "", r"\chi_\mathrm{p}", 0.0, 1.0),
    *(Parameter(f"chi_{body}_in_plane", "", rf"\chi_{{{body}\perp}}", 0.0, 1.0) for body in (1, 2)),
    *(Parameter(f"azimuth_{body}", "rad", rf"\varphi_{body}", 0.0, 2.0 * math.pi) for body in (1, 2)),
    *(Parameter(f"a_{body}", "", f"a_{body}", 0.0, 1.0) for body in (1, 2)),
    *(Parameter(f"tilt_{body}", "rad", rf"\theta_{body}", 0.0, math.pi) for body in (1, 2)),
    Parameter("phi_12", "rad", r"\Delta\phi", 0.0, 2.0 * math.pi),
    Parameter("phi_jl", "rad", r"\phi_{JL}", 0.0, 2.0 * math.pi),
    *(Parameter(f"spin_{body}{axis}", "", rf"\chi_{{{body}{axis}}}", -1.0, 1.0) for body in (1, 2) for axis in "xyz"),
    Parameter("luminosity_distance", "Mpc", "d_L", 0.0, math.inf),
    Parameter("redshift", "", "z", 0.0, math.inf),
    Parameter("theta_jn", "rad", r"\theta_{JN}", 0.0, math.pi),
    Parameter("viewing_angle", "rad", r"\Theta", 0.0, math.pi / 2.0),
    Parameter("iota", "rad", r"\iota", 0.0, math.pi),
    Parameter("cos_iota", "", r"\cos\iota", -1.0, 1.0),
    Parameter("phase", "rad", r"\phi", 0.0, 2.0 * math.pi),
    Parameter("psi", "rad", r"\psi", 0.0, math.pi),
    Parameter("ra", "rad", r"\alpha", 0.0, 2.0 * math.pi),
    Parameter("dec", "rad", r"\delta", -math.pi / 2.0, math.pi / 2.0),
    Parameter("geocent_time", "s", r"t_\mathrm{geo}", 0.0, math.inf),
    Parameter("final_mass", SOLAR_MASS, r"M_f", 0.0, math.inf),
    Parameter("final_mass_source", SOLAR_MASS, r"M_f^\mathrm{source}", 0.0, math.inf),
    Parameter("final_spin", "", r"\chi_f", -1.0, 1.0),
    Parameter("omega_r", "", r"\omega_r", 0.0, math.inf),
    Parameter("omega_i", "", r"\omega_i", 0.0, math.inf),
    Parameter("f_220", "Hz", "f_{220}", 0.0, math.inf),
    Parameter("tau_220", "ms", r"\tau_{220}", 0.0, math.inf),
    Parameter("network_optimal_snr", "", r"\rho", 0.0, math.inf),
    *(
        Parameter(f"{name}_optimal_snr", "", rf"\rho_\mathrm{{{name}}}", 0.0, math.inf)
        for name in ("H1", "L1", "V1", "K1")
    ),
    Parameter("log_likelihood", "", r"\ln\mathcal{L}", -math.inf, math.inf),
)

PARAMETERS: Mapping[str, Parameter] = MappingProxyType({parameter.name: parameter for parameter in _ALL})
"""Every parameter by its name."""
