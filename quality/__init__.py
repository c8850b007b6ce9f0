"""Is the data right: rules, verdicts, quarantine, reports and checks."""
