"""How often one client may ask, and be wrong."""

from dataclasses import dataclass

from driftwatch.web.limits import Buckets, Throttle


@dataclass(slots=True)
class Ticks:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_through_a_burst_and_then_a_rate() -> None:
    ticks = Ticks()
    buckets = Buckets(rate=2, burst=3, ticks=ticks)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == 0.5
    assert buckets.take("b") == 0
    ticks.now = 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    ticks.now = 1000
    assert [buckets.take("a") for _ in range(4)][:3] == [0, 0, 0]


def test_buckets_forget_who_asked_longest_ago() -> None:
    buckets = Buckets(rate=0.001, burst=1, ticks=Ticks())
    assert buckets.take("first") == 0
    for at in range(10_000):
        buckets.take(str(at))
    assert buckets.take("first") == 0
    assert len(buckets._levels) == 10_000


def test_a_throttle_locks_out_for_twice_as_long_each_time() -> None:
    ticks = Ticks()
    throttle = Throttle(free=2, ticks=ticks)
    waits = []
    for _ in range(14):
        throttle.fail("a")
        wait = throttle.locked_for("a", "x")
        waits.append(wait)
        ticks.now += wait
    assert waits == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert throttle.locked_for("b", "x") == 0


def test_a_right_token_forgives_and_stays_right() -> None:
    throttle = Throttle(free=1, ticks=Ticks())
    throttle.fail("a")
    throttle.fail("a")
    assert throttle.locked_for("a", "good") > 0
    throttle.succeed("a", "good")
    assert throttle.locked_for("a", "anything") == 0
    throttle.fail("a")
    throttle.fail("a")
    assert throttle.locked_for("a", "good") == 0
    assert throttle.locked_for("a", "bad") > 0


def test_a_throttle_forgets_the_oldest() -> None:
    throttle = Throttle(free=0, ticks=Ticks())
    for at in range(10_001):
        throttle.fail(str(at))
    assert throttle.locked_for("0", "x") == 0
    assert throttle.locked_for("10000", "x") > 0
    for at in range(1_001):
        throttle.succeed("z", str(at))
    assert len(throttle._proven) == 1_000


def test_ever_fewer_failures_are_worth_a_line() -> None:
    throttle = Throttle(free=3, ticks=Ticks())
    worth = [at for at in range(1, 70) if throttle.fail("a")]
    assert worth == [1, 2, 3, 4, 8, 16, 32, 64]
