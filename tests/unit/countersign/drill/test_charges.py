"""A charge goes off once, whoever comes first, and is counted then and not before."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from countersign.drill.charges import Charges, take


def test_a_charge_is_taken_once_with_what_it_says(tmp_path: Path) -> None:
    charges = Charges(tmp_path)
    charges.lay("clock_desk", "clock_desk", "-30")

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(tmp_path, "clock_desk"), range(8)))

    assert [told for told in taken if told is not None] == ["-30"]
    assert charges.count() == {"clock_desk": 1}


def test_only_what_went_off_is_counted(tmp_path: Path) -> None:
    charges = Charges(tmp_path)
    charges.lay("kill_sent", "kill_sent")
    charges.lay("kill_sent", "kill_sent")
    assert take(tmp_path, "kill_marked") is None
    assert take(tmp_path, "kill_sent") == ""

    charges.clear()

    assert charges.struck == {"kill_sent": 1}
    assert list(tmp_path.iterdir()) == []
