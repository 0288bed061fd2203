"""Systematic uncertainties: samples of a certified posterior are reweighted for what the likelihood took for certain.

    data = prepare(load_candidates(), "GW150914")
    ...
    posterior = build_certified_posterior(...)
    posterior = marginalise_calibration(posterior, data, envelopes)

With L the likelihood of the certification and L' another one, samples of the posterior with weights L' / L, both on
every frequency, are samples of the posterior under L'; the mean weight is the ratio of the evidences.

| module | likelihood L' |
|---|---|
| `given_spectra` | other noise spectra than those that the network sees |
| `drawn_spectra` | noise spectra are uncertain: drawn from their posterior given the strain around the event |
| `calibration` | the calibration is uncertain: curves drawn from envelopes, marginalised for each sample |

`options` holds what the user asks, `settings` all numbers that trade accuracy for time; `terms` sums waveforms over
frequencies, `reweighting` makes the new posterior with its certificate and verdict, and `stage` composes all of them.
"""
