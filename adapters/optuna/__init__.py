"""Hyper-parameter studies, kept by Optuna."""
