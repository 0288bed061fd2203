"""Services of the operating system that all packages use: atomic writes, output folders, free cores, threads."""
