"""The pre-trade checks, by subject: permission, order, exposure, loss and pace."""
