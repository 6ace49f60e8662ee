//! Tests of publication.

use super::*;

#[test]
fn commits_that_need_not_be_durable_show_at_once() {
    let publication = Publication::new(Lsn(5));
    assert_eq!(publication.applied(Lsn(6), Durability::None), None);
    assert_eq!(publication.applied(Lsn(7), Durability::Async), None);
    assert_eq!(publication.visible(), Lsn(7));
}

#[test]
fn a_sync_commit_holds_back_itself_and_what_follows() {
    let publication = Publication::new(Lsn::ZERO);
    publication.applied(Lsn(1), Durability::None);
    assert_eq!(publication.applied(Lsn(2), Durability::Sync), Some(Lsn(2)));
    assert_eq!(publication.applied(Lsn(3), Durability::None), Some(Lsn(2)));
    assert_eq!(publication.applied(Lsn(4), Durability::Sync), Some(Lsn(4)));
    assert_eq!(publication.visible(), Lsn(1));
    publication.durable(Lsn(1));
    assert_eq!(publication.visible(), Lsn(1));
    publication.durable(Lsn(2));
    assert_eq!(publication.visible(), Lsn(3));
    publication.durable(Lsn(9));
    assert_eq!(publication.visible(), Lsn(4));
}

#[test]
fn an_older_sync_that_returns_late_changes_nothing() {
    let publication = Publication::new(Lsn::ZERO);
    publication.applied(Lsn(1), Durability::Sync);
    publication.durable(Lsn(1));
    publication.durable(Lsn::ZERO);
    assert_eq!(publication.visible(), Lsn(1));
}
