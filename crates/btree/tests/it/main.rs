//! The tree from outside: against a model, through the law suite, over crashes, damage and full disks.

mod api;
mod crash;
mod damage;
mod laws;
mod limits;
mod model;
