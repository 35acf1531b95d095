//! Identifies the process that holds a lock, and tells whether it still runs.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

/// The process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    /// The same for all processes that can see each other, and empty if the system does not tell.
    pub(super) machine: String,
    pub(super) process: u32,
    /// The start of the process, in the system's ticks: process numbers are used again.
    pub(super) started: u64,
    /// A random number that tells this lock from all others.
    pub(super) token: u64,
    /// Counts the heartbeats.
    pub(super) beat: u64,
}

impl Owner {
    pub(super) fn this_process() -> Self {
        let process = std::process::id();
        let token = RandomState::new().hash_one(process);
        Self { machine: machine(), process, started: started(process).unwrap_or(0), token, beat: 0 }
    }

    /// Returns an owner that never lived.
    pub(super) fn nobody() -> Self {
        Self { machine: String::new(), process: 0, started: 0, token: 0, beat: 0 }
    }

    /// Whether the process runs, or none if this machine cannot see it.
    pub(super) fn is_alive(&self) -> Option<bool> {
        if self.machine.is_empty() || self.machine != machine() {
            return None;
        }
        match started(self.process) {
            Some(started) => Some(started == self.started),
            // A system may hide the processes of other users, so that this one may still run.
            None if is_there(self.process) => None,
            None => Some(false),
        }
    }
}

/// Identifies this machine since its last start, and this container on it.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let space = std::fs::read_link("/proc/self/ns/pid").ok();
    match (boot, space) {
        (Some(boot), Some(space)) => format!("{} {}", boot.trim(), space.display()),
        _ => String::new(),
    }
}

/// Returns when a process started, if the system shows it, or 0 if the process has ended and only
/// its number is left.
fn started(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { Some(0) } else { fields.nth(18)?.parse().ok() }
}

/// Whether a process of this number exists, even one of another user. True if the system does not
/// tell.
pub(super) fn is_there(process: u32) -> bool {
    #[cfg(unix)]
    {
        use nix::errno::Errno;
        use nix::sys::signal::kill;
        use nix::unistd::Pid;
        // A number below 1 does not stand for a process.
        let Some(process) = i32::try_from(process).ok().filter(|process| *process > 0) else { return false };
        kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
    }
    #[cfg(not(unix))]
    {
        let _ = process;
        true
    }
}
