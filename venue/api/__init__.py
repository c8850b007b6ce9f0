"""The venue's HTTP answers, one module per subject."""
