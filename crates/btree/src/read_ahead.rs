//! Read-ahead: how far a cursor that goes through leaves in order has the pager read.
//!
//! As many leaves as it has passed already, so that at most as much is read in vain as was of use, and a short range
//! reads nothing in vain: the first step to a neighbour reads one leaf, as before.

use drystone_engine::EngineError;
use drystone_storage_pager::PageRef;

use crate::cursor::Side;
use crate::keyspace::Place;
use crate::node::Node;
use crate::pages::Pages;

/// Leaves at most; the pager has a limit in bytes, too.
const LEAVES_MAX: u8 = 16;

/// What a cursor has passed.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead {
    /// Steps to a neighbour since the cursor was set somewhere, or turned round.
    steps: u8,
    side: Option<Side>,
}

impl ReadAhead {
    /// The cursor goes elsewhere.
    pub(crate) fn stop(&mut self) {
        *self = ReadAhead::default();
    }

    /// A child of `place`, onto which the cursor steps from that child's neighbour; it goes towards `side`.
    pub(crate) fn child<'a>(
        &mut self,
        place: &Place<'a>,
        idx: usize,
        side: Side,
        pages: &Pages,
    ) -> Result<Place<'a>, EngineError> {
        if self.side != Some(side) {
            self.stop();
            self.side = Some(side);
        }
        self.steps = (self.steps + 1).min(LEAVES_MAX);
        let node = place.node();
        if node.level() != 1 || self.steps == 1 {
            return place.child(idx, pages);
        }
        let page = pages.check(node, node.child(idx))?.page;
        let count = usize::from(self.steps) - 1;
        // A child that makes no sense ends it; whoever comes there hears of it.
        let at = |idx: usize| -> Option<PageRef> { node.child(idx).ok().map(|child| child.page) };
        let leaf = match side {
            Side::Right => {
                let mut next = (idx + 1..node.child_count()).take(count).map_while(at);
                read(place, idx, &page, &mut next, pages)
            }
            Side::Left => {
                let mut next = (0..idx).rev().take(count).map_while(at);
                read(place, idx, &page, &mut next, pages)
            }
        };
        leaf.map(Place::Read)
    }
}

fn read(
    place: &Place<'_>,
    idx: usize,
    page: &PageRef,
    next: &mut dyn Iterator<Item = PageRef>,
    pages: &Pages,
) -> Result<Node, EngineError> {
    match place {
        Place::Pinned(pin) => pages.read_child_ahead(page, pin.leaves(), idx, next),
        Place::Read(_) => pages.read_leaf_ahead(page, next),
    }
}
