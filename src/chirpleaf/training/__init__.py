"""Training: the simulator, the engine that trains on its batches, and the shipped presets."""
