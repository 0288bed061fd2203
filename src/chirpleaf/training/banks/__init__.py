"""Waveform banks: proposal of the binaries, source of the waveforms, banks in memory and on disk, worker processes."""
