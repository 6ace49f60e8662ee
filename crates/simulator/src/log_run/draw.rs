//! Plans of a log that is used alone.

use drystone_testkit::Draw;

use crate::log_call::LogCall;
use crate::operation::{Durable, Operation, Payload};
use crate::plan::Step;
use crate::workload::{self, Weather};

/// What happens to the log, beside calls.
const WEATHERS: [Weather; 6] = [
    Weather::Calm,
    Weather::PowerCuts,
    Weather::PowerCuts,
    Weather::Failures,
    Weather::Full,
    Weather::Rot,
];
/// Holds and tails at a time.
const KEEPERS: u64 = 3;

/// The steps of a plan.
pub(crate) fn draw_steps(draw: &mut Draw) -> Vec<Step> {
    let weather = *draw.pick(&WEATHERS);
    let count = *draw.pick(&[20, 60, 120]);
    let durable = *draw.pick(&[Durable::Sync, Durable::Async, Durable::None]);
    let len_max = *draw.pick(&[10, 300, 3_000, 20_000]);
    let mut steps = Vec::new();
    for _ in 0..count {
        let operation = match draw.below(40) {
            0..2 => match event(weather, draw) {
                Some(event) => event,
                None => Operation::Log(LogCall::Step),
            },
            2 => Operation::Wait(small(draw.below(40)).into()),
            _ => Operation::Log(call(durable, len_max, draw)),
        };
        steps.push(Step(0, operation));
    }
    steps
}

fn event(weather: Weather, draw: &mut Draw) -> Option<Operation> {
    match weather {
        Weather::Calm => None,
        Weather::Rot => Some(Operation::Probe(workload::damage(draw))),
        Weather::PowerCuts if draw.chance(15) => Some(Operation::Kill),
        Weather::PowerCuts => Some(Operation::Crash(workload::crash(weather, draw))),
        _ => Some(match draw.below(4) {
            0 => Operation::Crash(workload::crash(weather, draw)),
            1 => Operation::Mend,
            _ => Operation::Inject(workload::fault(weather, draw)),
        }),
    }
}

fn call(durable: Durable, len_max: u64, draw: &mut Draw) -> LogCall {
    let which = small(draw.below(KEEPERS));
    match draw.below(40) {
        0..14 => {
            let durable = match draw.chance(30) {
                true => *draw.pick(&[Durable::Sync, Durable::Async, Durable::None]),
                false => durable,
            };
            let len = u32::try_from(draw.below(len_max + 1)).unwrap_or(0);
            let seed = u32::try_from(draw.below(1 << 20)).unwrap_or(0);
            LogCall::Append(durable, Payload { len, seed })
        }
        14 | 15 => LogCall::Sync,
        16..21 => LogCall::Step,
        21..24 => LogCall::Trim(small(draw.below(101))),
        24 => LogCall::Reopen,
        25..28 => LogCall::Hold(which, small(draw.below(110)), *draw.pick(&[0, 0, 1, 40])),
        28 | 29 => LogCall::Advance(which, small(draw.below(8))),
        30 => LogCall::LetGo(which),
        31..34 => LogCall::Tail(which, small(draw.below(110))),
        _ => LogCall::Follow(which, small(1 + draw.below(12))),
    }
}

fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
