"""What `./desk doctor` looks at: the machine, the folder, and each configured service."""
