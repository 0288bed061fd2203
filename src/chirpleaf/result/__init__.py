"""Results: posteriors and leaf estimates, and their files.

`posterior` and `leaves` hold the two classes of results; `weights` resampling and effective sample size; `certificate`,
`trust` and `sky` what a result says about itself; `files` reading and writing; `bilby` the conversion to bilby.
"""
