"""The embedded paper venue: Alpaca's REST and streaming protocol over a replayed market."""

VERSION = "1.0"
