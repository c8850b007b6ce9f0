"""What the desk may be told: typed settings, limits, universe and gates, each parsed once."""
