"""The model registry, kept by MLflow."""
