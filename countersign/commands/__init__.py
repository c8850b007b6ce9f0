"""One module per word of the command line, loaded only when the word is typed."""
