"""From a prior to a trained model: the simulator, the engine that trains on it, and the presets that are shipped."""
