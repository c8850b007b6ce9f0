"""The study of a search: counted honestly, resumed, and the same for the same seed."""

from pathlib import Path

from adapters.optuna.study import Scored, Tried, search

SPACE = {"depth": ("int", 1.0, 5.0), "rate": ("log", 0.01, 0.2), "share": ("float", 0.2, 1.0)}


def parabola(number: int, drawn: dict[str, float]) -> Scored:
    return Scored((drawn["share"] - 0.6) ** 2, (0.1, -number / 3.0))


def ran(trials: int, storage: str | None = None, seed: int = 7) -> tuple[Tried, ...]:
    return search(SPACE, parabola, name="s", trials=trials, seed=seed, storage=storage)


def test_parameters_lie_in_the_space_and_integers_are_whole() -> None:
    for tried in ran(8):
        assert 1 <= tried.parameters["depth"] <= 5
        assert tried.parameters["depth"] == int(tried.parameters["depth"])
        assert 0.01 <= tried.parameters["rate"] <= 0.2


def test_the_same_seed_tries_the_same() -> None:
    assert ran(6) == ran(6)
    assert ran(6) != ran(6, seed=8)


def test_a_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    first = ran(3, storage)

    both = ran(9, storage)

    assert both[:3] == first
    assert both == ran(9)  # as if it had never been interrupted


def test_returns_come_back_to_the_bit_from_a_study_that_is_over(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    ran(3, storage)

    assert [tried.returns for tried in ran(3, storage)] == [(0.1, -n / 3.0) for n in range(3)]


def test_both_kinds_of_returns_come_back_with_the_session_they_begin_in(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    scored = Scored(0.5, returns=(0.1, -1 / 3), gross=(0.2, -1 / 7), first_session=378)
    search(SPACE, lambda _n, _d: scored, name="g", trials=1, seed=7, storage=storage)

    (tried,) = search(SPACE, lambda _n, _d: scored, name="g", trials=1, seed=7, storage=storage)

    assert (tried.returns, tried.gross) == (scored.returns, scored.gross)
    assert tried.first_session == 378


def test_a_finished_study_is_not_searched_again(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    first = ran(3, storage)
    asked: list[int] = []

    def count(number: int, _drawn: dict[str, float]) -> Scored:
        asked.append(number)
        return Scored(0.0)

    assert search(SPACE, count, name="s", trials=3, seed=7, storage=storage) == first
    assert asked == []


def test_a_trial_that_fails_counts_and_the_search_goes_on() -> None:
    def fragile(number: int, drawn: dict[str, float]) -> Scored:
        if number == 1:
            raise ValueError("one class only")
        return parabola(number, drawn)

    tried = search(SPACE, fragile, name="s", trials=4, seed=7)

    assert [t.state for t in tried] == ["complete", "fail", "complete", "complete"]
    assert tried[1].score is None
    assert [t.error for t in tried] == ["", "one class only", "", ""]
    assert tried[1].parameters


def test_progress_says_how_many_are_done() -> None:
    heard: list[tuple[int, int]] = []

    search(
        SPACE, parabola, name="s", trials=3, seed=7,
        progress=lambda done, of: heard.append((done, of)),
    )  # fmt: skip

    assert heard == [(1, 3), (2, 3), (3, 3)]
