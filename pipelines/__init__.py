"""When things run: jobs, sensors and the resources the assets are given."""
