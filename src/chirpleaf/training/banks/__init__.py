"""Waveform banks: what binaries they hold, who makes their rows, how they are kept in memory and on disk."""
