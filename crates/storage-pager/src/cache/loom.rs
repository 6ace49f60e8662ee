//! Every order of the steps of readers who follow a pointer to a frame, and of somebody who takes the frame away.

use ::loom::sync::Arc as ModelArc;
use ::loom::thread;
use drystone_base::sync::check_orders;

use super::*;
use crate::block::BlockNo;
use crate::page_ref::CODEC_NONE;

const PAGE_BYTES: usize = 8;

/// A cache, and the pointer to its child that somebody keeps for an inner page.
struct Shared {
    cache: Cache,
    pointers: Arc<FramePointers>,
}

impl Shared {
    fn new() -> ModelArc<Shared> {
        ModelArc::new(Shared {
            cache: Cache::new(tests::room(1, PAGE_BYTES), CachePolicy::S3Fifo),
            pointers: Arc::new(FramePointers::new(1)),
        })
    }

    /// The child, as a reader comes to it, through what is asked first to what is asked last.
    fn read_child(&self) -> Bytes {
        if let Some(frame) = self.pointers.get(0, self.cache.touch()) {
            return frame;
        }
        let child = page(1);
        let frame = self.cache.get(&child);
        let frame = frame.unwrap_or_else(|| self.cache.insert(&child, contents(1), Arrival::Asked));
        self.cache.point(&child, &self.pointers, 0);
        frame
    }

    /// C3, seen from the pointer.
    fn check(&self) {
        self.cache.check();
        if let Some(pointed) = self.pointers.peek(0) {
            let kept = self.cache.get(&page(1));
            let kept = kept.expect("a pointer outlived its frame's stay");
            assert_eq!(pointed.as_ptr(), kept.as_ptr(), "a pointer to an old frame");
        }
    }
}

/// The page in block 1 whose contents are `number`.
fn page(number: u8) -> PageRef {
    PageRef {
        block: BlockNo(1),
        len: PAGE_BYTES as u32,
        codec: CODEC_NONE,
        checksum: u64::from(number),
    }
}

fn contents(number: u8) -> Contents {
    Contents::of(vec![number; PAGE_BYTES])
}

/// What happens to the child's frame beside a reader, who finds the child's bytes whenever it looks.
fn beside_a_reader(take_away: fn(&Cache)) {
    let shared = Shared::new();
    shared.read_child();
    let reader = {
        let shared = ModelArc::clone(&shared);
        thread::spawn(move || {
            for _ in 0..2 {
                assert_eq!(
                    shared.read_child(),
                    contents(1).bytes,
                    "another page's frame"
                );
            }
        })
    };
    take_away(&shared.cache);
    reader.join().unwrap();
    shared.check();
}

/// A page in another block needs the room, twice: the first time, a frame that is in use is spared.
#[test]
fn loom_a_pointer_beside_eviction() {
    check_orders("a_pointer_beside_eviction", || {
        beside_a_reader(|cache| {
            for block in [2, 3] {
                let other = PageRef {
                    block: BlockNo(block),
                    ..page(9)
                };
                cache.insert(&other, contents(9), Arrival::Asked);
            }
        });
    });
}

/// The child's block holds another page by now, which takes the frame's place.
#[test]
fn loom_a_pointer_beside_reuse() {
    check_orders("a_pointer_beside_reuse", || {
        beside_a_reader(|cache| {
            cache.remove(1);
            cache.insert(&page(9), contents(9), Arrival::Asked);
        });
    });
}

/// Two readers set the pointer at once, while the frame goes.
#[test]
fn loom_a_pointer_that_two_set() {
    check_orders("a_pointer_that_two_set", || {
        let shared = Shared::new();
        let readers = [(); 2].map(|()| {
            let shared = ModelArc::clone(&shared);
            thread::spawn(move || assert_eq!(shared.read_child(), contents(1).bytes))
        });
        shared.cache.remove(1);
        for reader in readers {
            reader.join().unwrap();
        }
        shared.check();
    });
}
