//! The workloads: functions over [`Work`], one file for each kind. Other groups (log-structured trees, SQL) get files of
//! their own beside these.

pub(crate) mod commit;
pub(crate) mod lifetime;
pub(crate) mod load;
pub(crate) mod mixed;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod space;
