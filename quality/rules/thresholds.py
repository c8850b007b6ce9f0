"""How far from its past a bar may lie before it is doubted, for daily and for minute bars."""

from typing import Final, NamedTuple

import numpy as np


class Limits(NamedTuple):
    """The limits of one kind of bar; moves are logs of price ratios, volumes are ratios."""

    # A move is refused only beyond both: eight robust deviations happen a few times in a decade,
    # and a quiet stock's eight deviations may be an ordinary earnings day.
    error_sigmas: float
    error_move: float
    # Worth a person's glance.
    unusual_sigmas: float
    unusual_move: float
    # A jump by a split's ratio is recognised earlier than an arbitrary one.
    split_sigmas: float
    # Real crashes and surges trade several times the usual volume; errors trade the usual.
    confirming_volume: float
    # A high or low alone. No real day of thirteen years of five shares passes both of these.
    reach_sigmas: float
    reach_move: float
    # Extremes within a bar are confirmed sooner: the volume is spread over many prices.
    reach_volume: float
    # Only with hindsight: a move that the next bars take back, and that nothing stands behind.
    spike_sigmas: float
    spike_move: float
    spike_volume: float
    # Rows within which a level that nobody explains may return to the old one.
    excursion: int
    # Bars that must agree before a level without an explanation is believed.
    believed_after: int
    # Weight of the newest bar in every running mean.
    memory: float
    # Mean absolute return assumed of a share nobody has seen trade, and the least deviation.
    first_scale: float
    least_sigma: float
    # Time without bars widens a move by its root, up to this many steps.
    gap_cap: float
    # Steps of absence after which a series begins anew, and from which its identity is asked.
    gap_restart: float
    gap_identity: float
    # Shares a step from which a symbol counts as traded all the time.
    liquid: float
    # Volume ratios (as logs) that no calm bar of a liquid share has.
    thin_volume: float
    swollen_volume: float


DAILY: Final = Limits(
    error_sigmas=8.0, error_move=0.18, unusual_sigmas=5.0, unusual_move=0.08, split_sigmas=5.0,
    confirming_volume=3.0, reach_sigmas=9.0, reach_move=0.08, reach_volume=1.7,
    spike_sigmas=5.0, spike_move=0.03, spike_volume=1.6, excursion=60,
    believed_after=5, memory=0.06, first_scale=0.03, least_sigma=0.008, gap_cap=4.0,
    gap_restart=60.0, gap_identity=5.0,
    liquid=20_000.0, thin_volume=-2.16, swollen_volume=2.8,
)  # fmt: skip

# Four per cent within a minute and ten robust deviations of a minute: real minutes of that size
# come with a burst of volume or with the other symbols.
MINUTE: Final = Limits(
    error_sigmas=10.0, error_move=0.04, unusual_sigmas=8.0, unusual_move=0.02, split_sigmas=10.0,
    confirming_volume=4.0, reach_sigmas=12.0, reach_move=0.04, reach_volume=4.0, spike_sigmas=8.0,
    spike_move=0.008, spike_volume=3.0, excursion=390, believed_after=5, memory=0.04,
    first_scale=0.0015, least_sigma=0.0004, gap_cap=400.0, gap_restart=86_400.0,
    gap_identity=86_400.0, liquid=300.0, thin_volume=-9.0, swollen_volume=9.0,
)  # fmt: skip

# A whole file shows how each symbol's minutes usually are; a lone high is doubted sooner.
MINUTE_FILE: Final = MINUTE._replace(reach_move=0.012)

# Beyond these moves volume confirms only when it is larger still.
FAR: Final = 0.69
FAR_VOLUME: Final = 5.0
# A leap by a power of ten needs more yet.
UNIT_VOLUME: Final = 20.0
# With hindsight a lasting move needs this share of it, if it fades to less than 1 / 1.4 after.
HINDSIGHT_SHARE: Final = 0.6
FADES: Final = 1.4
# With hindsight a lasting move at a split's ratio needs this share, beside the volume before and
# the volume after it.
NEWS_SHARE: Final = 0.8
# A share moves at most a few times its market: five covers any beta seen in a crash.
INDEX_MULTIPLE: Final = 5.0
INDEX_MOVES: Final = 0.02
INDEX_SPAN: Final = 0.03
# No volume explains a high or low at more than twice or less than half of open and close.
NO_REACH: Final = 0.7
# Nor much less a high or low this far out: there it must be that of an event.
FAR_REACH: Final = 0.25
FAR_REACH_SIGMAS: Final = 18.0
# Steps after a split for which its volumes may turn out to be counted as before it.
RESCALED_FOR: Final = 20.0
SPLIT_TOLERANCE: Final = 0.06
# A move made both overnight and within a wide bar needs this share of the volume of one that may
# be a wrong price.
TRAVELLED: Final = 0.45
# Minutes of the day (New York) that hold an auction, and the volume it brings, in usual minutes.
DAY_MINUTES: Final = 1_440.0
OPENS: Final = 570.0
CLOSES: Final = 959.0
CLOSES_EARLY: Final = 779.0
AUCTION: Final = 5.0
# USD a session from which no session goes by without a trade.
LIQUID_USD: Final = 100_000.0
# Ticks of range squared, times shares: minutes of less repeat one another by chance, once.
TELLING: Final = 250_000.0
# What a confirmed shock leaves behind: a share of it counts as deviation, and fades.
UNREST_SHARE: Final = 0.35
UNREST_FADES: Final = 0.85
# Cheap shares repeat themselves by chance: below this range (USD) a repeat says nothing.
TICKS: Final = 0.08
# USD. Prices are told to the cent: that alone moves a share of four cents by a quarter of its
# price, and old prices are as low when all later splits are taken out of them.
TICK: Final = 0.01
ROUNDING: Final = 0.4
"""The deviation of the difference of two rounded values, in ticks: sqrt(1 / 6)."""
MEAN_TO_SIGMA: Final = 1.2533
"""sqrt(pi / 2): from a mean absolute value to a deviation."""
MEDIAN_TO_MEAN: Final = 1.183
"""From the median to the mean of a normal variable's absolute values: 0.798 / 0.6745."""

SPLIT_RATIOS: Final = np.array(
    [1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0]
)
UNIT_FACTORS: Final = np.array([10.0, 100.0, 1_000.0, 10_000.0])
