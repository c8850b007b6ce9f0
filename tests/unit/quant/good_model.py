"""A model that meets every gate, for tests that spoil it."""

from config import gates as gates_file
from quant.gates import Evidence

THRESHOLDS = {name: gate.threshold for name, gate in gates_file.load().gates.items()}
GOOD = Evidence(
    walk_forward_sharpe=1.4,
    deflated_sharpe=0.97,
    overfitting_probability=0.05,
    combinatorial_sharpe=0.3,
    track_record=2800,
    track_record_needed=900,
    scaled_drawdown=0.12,
    trades=400,
    hit_rate=0.54,
    leakage_probes=True,
    regime_stability=0.2,
    universe_point_in_time=True,
    real_data=True,
)
