//! A program that is started again after each error, as it would be on a real machine.

use super::crash::CrashPolicy;
use super::disk::SimFileSystem;

impl SimFileSystem {
    /// Has a program work on the disk, which may follow a plan. After each error it starts again: on what the plan's power
    /// cut left where power is off, else on what a restart leaves of the medium. Ends when it is done, or was started
    /// `starts_max` times; the disk that it ended on.
    #[must_use]
    pub fn supervise<E>(
        &self,
        starts_max: usize,
        mut work: impl FnMut(&SimFileSystem) -> Result<(), E>,
    ) -> SimFileSystem {
        let mut disk = self.clone();
        for _ in 0..starts_max {
            if work(&disk).is_ok() {
                break;
            }
            let planned = disk.planned_policy().filter(|_| disk.is_off());
            disk = disk.restart(planned.unwrap_or(CrashPolicy::LoseAll));
        }
        disk
    }
}
