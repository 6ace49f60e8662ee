//! The clock moves as it is told, and its monotonic time only forwards.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_stalled_clock_catches_up() {
    let clock = SimClock::default();
    clock.apply(ClockEvent::Stall(SECOND * 3));
    clock.advance(SECOND);
    clock.advance(SECOND);
    assert_eq!(clock.monotonic(), Duration::ZERO);
    clock.advance(SECOND);
    assert_eq!(clock.monotonic(), SECOND * 3);
    clock.advance(SECOND);
    assert_eq!(clock.now(), Timestamp(4_000_000));
}

#[test]
fn the_time_of_day_jumps_and_the_monotonic_time_does_not() {
    let clock = SimClock::at(Timestamp(5));
    clock.apply(ClockEvent::Jump { micros: -10 });
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp(-5), Duration::ZERO)
    );
    clock.apply(ClockEvent::Pause(SECOND));
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp(999_995), SECOND)
    );
    clock.apply(ClockEvent::Jump { micros: i64::MAX });
    clock.advance(Duration::MAX);
    assert_eq!(
        (clock.now(), clock.monotonic()),
        (Timestamp(i64::MAX), Duration::MAX)
    );
}

#[test]
fn latency_is_drawn_around_the_usual_and_is_slow_as_often_as_it_says() {
    let latency = Latency {
        usual: Duration::from_micros(10),
        slow_percent: 10,
        slow: SECOND,
    };
    let mut draw = Draw::new(7);
    let times: Vec<Duration> = (0..1000).map(|_| latency.draw(&mut draw)).collect();
    let slow = times.iter().filter(|time| **time == SECOND).count();
    assert!((60..140).contains(&slow), "{slow} of 1000");
    let rest = times.iter().filter(|time| **time < SECOND);
    assert!(rest.clone().all(|time| *time <= latency.usual * 2));
    let sum: Duration = rest.sum();
    assert!(
        sum > latency.usual * 700 && sum < latency.usual * 1100,
        "{sum:?}"
    );
}
