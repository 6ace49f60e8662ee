//! Any history of operations, reopening included, agrees with a vector of payloads.

use std::path::Path;

use drystone_base::{Env, Lsn};
use drystone_wal::{Log, LogOptions, Reader};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::bytes_of;

#[derive(Clone, Debug)]
enum Op {
    Append { len: usize },
    SyncTo { back: u64 },
    Flush,
    Step,
    Trim { back: u64 },
    Read { back: u64 },
    Tail,
    Close,
    Leave,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => prop_oneof![0..200usize, 0..5000usize, 0..40_000usize].prop_map(|len| Op::Append { len }),
        4 => (0..4u64).prop_map(|back| Op::SyncTo { back }),
        2 => Just(Op::Flush),
        3 => Just(Op::Step),
        2 => (0..20u64).prop_map(|back| Op::Trim { back }),
        2 => (0..20u64).prop_map(|back| Op::Read { back }),
        2 => Just(Op::Tail),
        1 => Just(Op::Close),
        1 => Just(Op::Leave),
    ]
}

/// The log beside what it should hold.
struct Model {
    env: Env,
    segment_bytes: u64,
    log: Option<Log>,
    /// Lengths of the payloads of records 1, 2, ...
    lens: Vec<usize>,
    flushed: u64,
    durable: u64,
    /// Records up to here may be gone.
    trimmed: u64,
    /// Tails the log from its beginning; new after each reopen.
    tail: Reader,
}

impl Model {
    fn new(segment_bytes: u64) -> Model {
        let env = Env::memory(9);
        let log = open(&env, segment_bytes, 0);
        Model {
            tail: log.read_from(Lsn(1)),
            log: Some(log),
            env,
            segment_bytes,
            lens: Vec::new(),
            flushed: 0,
            durable: 0,
            trimmed: 0,
        }
    }

    fn log(&self) -> &Log {
        self.log.as_ref().unwrap()
    }

    fn last(&self) -> u64 {
        self.lens.len() as u64
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Append { len } => {
                let lsn = self.last() + 1;
                assert_eq!(self.log().append(&bytes_of(lsn, len)).unwrap(), Lsn(lsn));
                self.lens.push(len);
            }
            Op::SyncTo { back } => {
                let lsn = self.last().saturating_sub(back);
                self.log().sync_to(Lsn(lsn)).unwrap();
                assert!(self.log().durable_lsn() >= Lsn(lsn));
                self.flushed = self.flushed.max(lsn);
                self.durable = self.durable.max(lsn);
            }
            Op::Flush => {
                self.log().flush().unwrap();
                self.flushed = self.last();
            }
            Op::Step => drop(self.log().step().unwrap()),
            Op::Trim { back } => {
                let upto = self.durable.saturating_sub(back);
                self.log().trim(Lsn(upto)).unwrap();
                self.trimmed = self.trimmed.max(upto);
                assert!(self.log().oldest_lsn() <= Lsn(self.trimmed + 1));
            }
            Op::Read { back } => self.check_read(self.last().saturating_sub(back).max(1)),
            Op::Tail => self.check_tail(),
            Op::Close => {
                self.log.take().unwrap().close().unwrap();
                self.flushed = self.last();
                self.reopen();
            }
            Op::Leave => {
                self.log = None;
                self.reopen();
            }
        }
        assert_eq!(self.log().appended_lsn(), Lsn(self.last()));
        assert!(self.log().durable_lsn() >= Lsn(self.durable));
    }

    fn reopen(&mut self) {
        let log = open(&self.env, self.segment_bytes, self.trimmed);
        let last = log.appended_lsn().0;
        assert!(self.flushed <= last && last <= self.last());
        assert_eq!(log.durable_lsn(), Lsn(last), "all that is found is durable");
        self.lens.truncate(usize::try_from(last).unwrap());
        self.flushed = last;
        self.durable = last;
        let oldest = log.oldest_lsn();
        assert!(oldest <= Lsn(self.trimmed + 1));
        self.tail = log.read_from(oldest);
        self.log = Some(log);
        self.check_read(oldest.0);
    }

    fn check_read(&self, from: u64) {
        let from = from.max(self.log().oldest_lsn().0);
        let mut next = from;
        for record in self.log().read_from(Lsn(from)) {
            let record = record.unwrap();
            assert_eq!(record.lsn, Lsn(next));
            let len = self.lens[usize::try_from(next - 1).unwrap()];
            assert!(record.payload == bytes_of(next, len));
            next += 1;
        }
        assert!(next > self.durable, "only {next} of {}", self.durable);
        assert!(
            next == from || Lsn(next) <= self.log().durable_lsn().next(),
            "R1: only what is durable"
        );
    }

    fn check_tail(&mut self) {
        let mut next = self.tail.position().0;
        for record in self.tail.by_ref() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    assert!(Lsn(next) < self.log().oldest_lsn(), "{error:?}");
                    self.tail = self.log().read_from(self.log().oldest_lsn());
                    return;
                }
            };
            assert_eq!(record.lsn, Lsn(next));
            let len = self.lens[usize::try_from(next - 1).unwrap()];
            assert!(record.payload == bytes_of(next, len));
            next += 1;
        }
        assert!(next > self.durable);
        assert!(
            Lsn(next) <= self.log().durable_lsn().next(),
            "R1: only what is durable"
        );
    }
}

fn open(env: &Env, segment_bytes: u64, floor: u64) -> Log {
    let options = LogOptions {
        segment_bytes,
        buffer_bytes_max: 50_000,
        ..LogOptions::default()
    };
    Log::open(env, Path::new("log"), options, Lsn(floor)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_history_agrees_with_the_model(
        ops in vec(any_op(), 1..150),
        segment_bytes in prop_oneof![Just(12_288u64), Just(65_536)],
    ) {
        let mut model = Model::new(segment_bytes);
        for op in &ops {
            model.apply(op);
        }
    }
}
