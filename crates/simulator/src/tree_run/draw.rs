//! Plans of a tree that is used alone.

use drystone_testkit::Draw;

use super::SPACES;
use crate::operation::{Change, Operation, Order, Payload};
use crate::options::SimCodec;
use crate::plan::Step;
use crate::tree_call::{End, TreeCall, TreeChange};
use crate::workload::{self, Weather};

/// What happens to the tree, beside calls.
const WEATHERS: [Weather; 5] = [
    Weather::Calm,
    Weather::PowerCuts,
    Weather::PowerCuts,
    Weather::Failures,
    Weather::Full,
];
/// States that are held at a time.
const PINS: u64 = 3;

/// How large a plan's values are, and how many keys there are.
struct Sizes {
    keys: u64,
    len_max: u64,
}

/// The steps of a plan.
pub(crate) fn draw_steps(draw: &mut Draw) -> Vec<Step> {
    let weather = *draw.pick(&WEATHERS);
    let sizes = Sizes {
        keys: *draw.pick(&[10, 60, 400]),
        len_max: *draw.pick(&[10, 200, 2_000, 12_000]),
    };
    let count = *draw.pick(&[20, 60, 120]);
    let mut steps = Vec::new();
    for _ in 0..count {
        let event = match draw.below(20) {
            0 => event(weather, draw),
            _ => None,
        };
        let call = |draw: &mut Draw| Operation::Tree(call(&sizes, draw));
        steps.push(Step(0, event.unwrap_or_else(|| call(draw))));
    }
    steps
}

fn event(weather: Weather, draw: &mut Draw) -> Option<Operation> {
    match weather {
        Weather::Calm => None,
        Weather::PowerCuts if draw.chance(15) => Some(Operation::Kill),
        Weather::PowerCuts => Some(Operation::Crash(workload::crash(weather, draw))),
        _ => Some(match draw.below(4) {
            0 => Operation::Crash(workload::crash(weather, draw)),
            1 => Operation::Mend,
            _ => Operation::Inject(workload::fault(weather, draw)),
        }),
    }
}

fn call(sizes: &Sizes, draw: &mut Draw) -> TreeCall {
    let which = small(draw.below(PINS));
    match draw.below(40) {
        0..9 => {
            let end = match draw.chance(80) {
                true => End::Commit,
                false => End::Rollback,
            };
            TreeCall::Transaction(changes(sizes, draw), end)
        }
        9..13 => TreeCall::Batch(changes(sizes, draw)),
        13 => TreeCall::Load(space(draw), number(sizes, draw), small(draw.below(120))),
        14..18 => TreeCall::Compact(slice(draw)),
        18 | 19 => TreeCall::Reclaim(slice(draw)),
        20 => TreeCall::Step(slice(draw)),
        21 => {
            let codecs = [SimCodec::Plain, SimCodec::Lz4, SimCodec::Snappy];
            TreeCall::SetCodec(space(draw), *draw.pick(&codecs))
        }
        22 | 23 => TreeCall::Stage(changes(sizes, draw)),
        24..26 => TreeCall::Adopt,
        26 => TreeCall::Discard,
        27..30 => TreeCall::Pin(which),
        30 => TreeCall::Unpin(which),
        31 => TreeCall::Verify,
        32 => TreeCall::Reopen,
        _ => {
            let order = *draw.pick(&[Order::Forward, Order::Backward, Order::Both]);
            let (from, to) = (number(sizes, draw), number(sizes, draw));
            TreeCall::Look(which, space(draw), from, to, order)
        }
    }
}

fn changes(sizes: &Sizes, draw: &mut Draw) -> Vec<TreeChange> {
    let count_max = *draw.pick(&[1, 6, 40]);
    let count = 1 + draw.below(count_max);
    let one = |draw: &mut Draw| match draw.chance(3) {
        true => TreeChange::Drop(space(draw)),
        false => TreeChange::Key(Change {
            space: space(draw),
            key: number(sizes, draw),
            value: (!draw.chance(30)).then(|| Payload {
                len: u32::try_from(draw.below(sizes.len_max + 1)).unwrap_or(0),
                seed: u32::try_from(draw.below(1 << 20)).unwrap_or(0),
            }),
        }),
    };
    (0..count).map(|_| one(draw)).collect()
}

/// About how much one slice may read and write.
fn slice(draw: &mut Draw) -> u32 {
    *draw.pick(&[1, 4_000, 30_000, 1 << 20])
}

fn space(draw: &mut Draw) -> u8 {
    small(draw.below(SPACES.into()))
}

fn number(sizes: &Sizes, draw: &mut Draw) -> u16 {
    u16::try_from(draw.below(sizes.keys)).unwrap_or(0)
}

fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
