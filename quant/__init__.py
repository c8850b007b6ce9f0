"""Numbers in, numbers out: indicators, features, labels, splits, statistics and risk."""
