"""Rules over market data: plain functions over frames that run on everything, always."""
