//! A watch over a process that runs inputs.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{HANG_SECONDS, MEMORY_BYTES_MAX};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(500);

/// Ends this process when an input hangs, or memory runs away. `started` counts inputs.
pub(crate) fn start(name: &str, started: &'static AtomicU64) {
    let name = name.to_owned();
    thread::spawn(move || {
        let (mut last, mut since) = (u64::MAX, Instant::now());
        loop {
            thread::sleep(LOOK);
            let now = started.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed().as_secs() >= HANG_SECONDS {
                eprintln!("{name}: an input takes longer than {HANG_SECONDS} s");
                std::process::abort();
            }
            if resident_bytes().is_some_and(|bytes| bytes > MEMORY_BYTES_MAX) {
                eprintln!("{name}: memory passes {MEMORY_BYTES_MAX} bytes");
                std::process::abort();
            }
        }
    });
}

/// Memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let mut text = String::new();
    File::open("/proc/self/status")
        .ok()?
        .read_to_string(&mut text)
        .ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
