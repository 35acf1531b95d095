//! Repeating a request: which failures are worth it, after what time, and how often.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::ModelError;
use crate::server_options::Pause;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest wait that a server may ask for. Beyond it the run stops, because it can be resumed.
const LONGEST_ASKED: Duration = Duration::from_secs(15 * 60);

/// What a failure is due to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// The server, whatever it is asked for.
    Server,
    /// Perhaps one of the texts.
    Texts,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What is wrong, in one short line that does not name the server.
    pub(super) problem: String,
    pub(super) blame: Blame,
    pub(super) next: Next,
}

/// What the next attempt would do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    /// It may succeed. The server may have asked for a wait.
    Perhaps(Option<Duration>),
    /// It would fail too. The user can do this about it.
    Fails(&'static str),
}

/// Why a request failed, after all its attempts.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ModelError,
    /// As in [`Failure`].
    pub(super) problem: String,
    pub(super) blame: Blame,
}

/// How often a request is made at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempts {
    /// If the server is at fault.
    pub(super) server: u32,
    /// If a text may be.
    pub(super) texts: u32,
}

impl Attempts {
    fn at_most(self, blame: Blame) -> u32 {
        match blame {
            Blame::Server => self.server,
            Blame::Texts => self.texts,
        }
    }
}

/// How often a request is made, and how the wait in between is done.
pub(super) struct Retries<'a> {
    pub(super) attempts: Attempts,
    pub(super) pause: &'a Pause,
    /// The number of the request. It varies the waits, so that requests do not all come back at the
    /// same instant.
    pub(super) request: u64,
}

impl Retries<'_> {
    /// Repeats `attempt` until it succeeds, fails for good, or was made [`Retries::attempts`]
    /// times. `place` begins the error.
    pub(super) fn run<T>(
        &self,
        place: &str,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, Failed> {
        for number in 1.. {
            let Failure { problem, blame, next } = match attempt() {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let failed = |more: &str, blame: Blame, hint: &'static str| {
                let error = ModelError::with_hint(format!("{place}: {problem}{more}"), hint);
                Err(Failed { error, problem: problem.clone(), blame })
            };
            let asked = match next {
                Next::Fails(hint) => return failed("", blame, hint),
                Next::Perhaps(asked) => asked,
            };
            if number >= self.attempts.at_most(blame) {
                let times = if number == 1 { String::new() } else { format!(" ({number} attempts)") };
                return failed(&times, blame, RESUME);
            }
            if let Some(asked) = asked.filter(|&asked| asked > LONGEST_ASKED) {
                let wish = format!(", and asks to wait for {} s", asked.as_secs());
                return failed(&wish, Blame::Server, LATER);
            }
            (self.pause)(self.wait(number).max(asked.unwrap_or_default()), &format!("{place}: {problem}"));
        }
        unreachable!("attempts are counted in u32, and the last one returns")
    }

    /// Returns the wait after some failures. It doubles each time, and a hash that is the same in
    /// every run shortens it by up to a half.
    fn wait(&self, failures: u32) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST_WAIT);
        let random = xxh3_64_with_seed(&failures.to_le_bytes(), self.request) >> 11;
        doubled.mul_f64(1.0 - 0.5 * random as f64 / (1u64 << 53) as f64)
    }
}

const LATER: &str = "run the same command line again after that time; it goes on where it stopped";
const RESUME: &str = "see that the server is up and reachable, then run the same command line again: it goes on where it \
                      stopped; fewer --server-concurrency ask less of it at once";

/// Returns the wait that a server asks for: seconds, or the time until a date. The date counts from
/// the date of the answer, if it has one, because clocks differ.
pub(super) fn asked_to_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = |value: &reqwest::header::HeaderValue| httpdate::parse_http_date(value.to_str().ok()?).ok();
    let now = headers.get(DATE).and_then(date).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn waits(attempts: u32, request: u64, asked: Option<Duration>) -> Vec<Duration> {
        let waited = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&waited);
        let pause: Pause = Box::new(move |time, _| noted.lock().expect("no panic").push(time));
        let attempts = Attempts { server: attempts, texts: 1 };
        let retries = Retries { attempts, pause: &pause, request };
        let next = Next::Perhaps(asked);
        let busy = || Err::<(), _>(Failure { problem: "busy".into(), blame: Blame::Server, next });
        retries.run("here", busy).expect_err("it is always busy");
        let waited = waited.lock().expect("no panic");
        waited.clone()
    }

    #[test]
    fn waits_double_up_to_a_minute_and_lie_in_the_upper_half() {
        let waits = waits(12, 5, None);
        assert_eq!(waits.len(), 11);
        for (wait, most) in waits.iter().zip([0.5f64, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0])
        {
            assert!((0.5 * most..=most).contains(&wait.as_secs_f64()), "{wait:?} of {most}");
        }
    }

    #[test]
    fn requests_wait_for_times_of_their_own_and_the_same_in_every_run() {
        assert_eq!(waits(8, 1, None), waits(8, 1, None));
        assert_ne!(waits(8, 1, None), waits(8, 2, None));
    }

    #[test]
    fn a_wait_is_never_shorter_than_asked_for() {
        let asked = Duration::from_secs(20);
        let waits = waits(8, 1, Some(asked));
        assert!(waits[..5].iter().all(|&wait| wait == asked) && waits[6] >= asked, "{waits:?}");
    }

    #[test]
    fn a_server_that_asks_for_an_hour_is_not_waited_for() {
        assert_eq!(waits(8, 1, Some(Duration::from_secs(3600))), []);
    }
}
