"""What an analyst sees: pages over the ledger and the warehouse, and nothing that reaches out."""
