"""Lines of prior files of bilby."""

from chirpleaf.physics.priors import IntrinsicPrior

REGION = IntrinsicPrior(mass_min=10.0, mass_max=80.0, chirp_mass_min=15.0, chirp_mass_max=60.0, spin_max=0.8)
"""What the mass lines below describe, whichever coordinates they are written in."""

CHIRP = """
chirp_mass = bilby.gw.prior.UniformInComponentsChirpMass(name='chirp_mass', minimum=15, maximum=60)
mass_ratio = bilby.gw.prior.UniformInComponentsMassRatio(name='mass_ratio', minimum=0.125, maximum=1)
mass_1 = Constraint(name='mass_1', minimum=10, maximum=80)
mass_2 = Constraint(name='mass_2', minimum=10, maximum=80)
"""
COMPONENTS = """
mass_1 = Uniform(name='mass_1', minimum=10, maximum=80)
mass_2 = Uniform(name='mass_2', minimum=10, maximum=80)
mass_ratio = Constraint(name='mass_ratio', minimum=0.125, maximum=1)
chirp_mass = Constraint(name='chirp_mass', minimum=15, maximum=60)
"""
SPINS = """
chi_1 = Uniform(name='chi_1', minimum=-0.8, maximum=0.8)
chi_2 = Uniform(name='chi_2', minimum=-0.8, maximum=0.8)
"""
ALIGNED = """
chi_1 = bilby.gw.prior.AlignedSpin(name='chi_1', a_prior=Uniform(minimum=0, maximum=0.8))
chi_2 = bilby.gw.prior.AlignedSpin(name='chi_2', a_prior=Uniform(minimum=0, maximum=0.8))
"""
PRECESSING = """
a_1 = Uniform(name='a_1', minimum=0, maximum=0.8)
a_2 = Uniform(name='a_2', minimum=0, maximum=0.8)
tilt_1 = Sine(name='tilt_1')
tilt_2 = Sine(name='tilt_2')
phi_12 = Uniform(name='phi_12', minimum=0, maximum=2 * np.pi, boundary='periodic')
phi_jl = Uniform(name='phi_jl', minimum=0, maximum=2 * np.pi, boundary='periodic')
"""
DISTANCE = "luminosity_distance = PowerLaw(alpha=2, name='luminosity_distance', minimum=100, maximum=3000)\n"
ANGLES = """
ra = Uniform(name='ra', minimum=0, maximum=2 * np.pi, boundary='periodic')
dec = Cosine(name='dec')
theta_jn = Sine(name='theta_jn')
psi = Uniform(name='psi', minimum=0, maximum=np.pi, boundary='periodic')
phase = Uniform(name='phase', minimum=0, maximum=2 * np.pi, boundary='periodic')
"""
