//! Tests of what is read around, against a system with room for so many windows.

use std::collections::VecDeque;

use super::*;

const PAGE_BYTES: u64 = 8192;

/// A file that is read at random, page by page, and what the system has of it.
struct Reader {
    around: ReadAround,
    pages: u64,
    /// What is in memory: pages, or windows, the oldest first.
    cached: VecDeque<Range<u64>>,
    room_bytes: u64,
    drawn: u64,
}

impl Reader {
    fn new(file_bytes: u64, room_bytes: u64) -> Reader {
        Reader {
            around: ReadAround::new(),
            pages: file_bytes / PAGE_BYTES,
            cached: VecDeque::new(),
            room_bytes,
            drawn: 1,
        }
    }

    /// Reads a page; returns whether more than it came from the medium.
    fn read(&mut self) -> bool {
        self.drawn = self
            .drawn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let offset = (self.drawn >> 33) % self.pages * PAGE_BYTES;
        if self.cached.iter().any(|range| range.contains(&offset)) {
            self.around.met(offset);
            return false;
        }
        let around = self.around.missed(offset);
        let is_around = around.is_some();
        self.cached
            .push_back(around.unwrap_or(offset..offset + PAGE_BYTES));
        let mut held: u64 = self
            .cached
            .iter()
            .map(|range| range.end - range.start)
            .sum();
        while held > self.room_bytes {
            let gone = self.cached.pop_front().unwrap();
            held -= gone.end - gone.start;
        }
        is_around
    }

    /// Of so many reads, how many brought more.
    fn reads_around(&mut self, reads: usize) -> usize {
        (0..reads).filter(|_| self.read()).count()
    }
}

#[test]
fn a_file_that_the_system_has_room_for_is_read_around_until_it_is_there() {
    let mut reader = Reader::new(64 << 20, 1 << 30);
    let windows = (64 << 20) / usize::try_from(WINDOW_BYTES).unwrap();
    let around = reader.reads_around(20 * windows);
    assert_eq!(around, windows, "each window once");
    assert!(reader.around.credit.load(Ordering::Relaxed) > CREDIT_MAX / 2);
}

#[test]
fn where_the_system_has_little_room_it_ends() {
    let mut reader = Reader::new(1 << 30, 4 << 20);
    let most = usize::try_from(CREDIT_MAX).unwrap();
    let around = reader.reads_around(4 * most);
    assert!((most..most + most / 10).contains(&around), "{around}");
    let around = reader.reads_around(6_400);
    assert!((90..300).contains(&around), "{around} try");
}

#[test]
fn it_begins_again_when_there_is_room() {
    let mut reader = Reader::new(64 << 20, 1 << 20);
    reader.reads_around(10_000);
    assert!(reader.reads_around(640) < 100);
    reader.room_bytes = 1 << 30;
    reader.reads_around(20_000);
    assert!(reader.around.credit.load(Ordering::Relaxed) > 100);
}

#[test]
fn a_window_is_a_multiple_of_its_length_and_holds_the_page() {
    let around = ReadAround::new();
    for offset in [
        0,
        8192,
        WINDOW_BYTES - 1,
        WINDOW_BYTES,
        10 * WINDOW_BYTES + 1,
    ] {
        let window = around.missed(offset).unwrap();
        assert!(window.contains(&offset));
        assert_eq!(window.start % WINDOW_BYTES, 0);
        assert_eq!(window.end - window.start, WINDOW_BYTES);
    }
    assert!(around.missed(u64::MAX).is_some());
}
