"""How fast GPUs serve and train open-weights models: equations fitted to measured runs."""
