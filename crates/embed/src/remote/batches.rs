//! Texts in batches, and several batches on their way at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// The largest total size of the texts of a request, because servers limit the size of bodies. A
/// longer text goes alone.
const BATCH_BYTES: usize = 512 << 10;

/// The distinct texts of a call, in order. Equal texts are paid for once and get the same embedding
/// to the last bit, which a server's own batches do not promise.
pub(super) struct Distinct<'a> {
    texts: Vec<&'a str>,
    /// For each text of the call its index in `texts`, or `None` for an empty text.
    pub(super) numbers: Vec<Option<usize>>,
}

impl<'a> Distinct<'a> {
    /// Collects the distinct texts of a call.
    pub(super) fn of(all: &[&'a str]) -> Self {
        let (mut texts, mut known) = (Vec::new(), HashMap::with_capacity(all.len()));
        let number = |&text: &&'a str| {
            (!text.is_empty()).then(|| {
                *known.entry(text).or_insert_with(|| {
                    texts.push(text);
                    texts.len() - 1
                })
            })
        };
        let numbers = all.iter().map(number).collect();
        Self { texts, numbers }
    }

    /// Splits the texts into batches of at most `most` texts, in order.
    pub(super) fn batches(&self, most: usize) -> Vec<&[&'a str]> {
        let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
        for (end, text) in self.texts.iter().enumerate() {
            if end > start && (end - start == most || bytes + text.len() > BATCH_BYTES) {
                batches.push(&self.texts[start..end]);
                (start, bytes) = (end, 0);
            }
            bytes += text.len();
        }
        if start < self.texts.len() {
            batches.push(&self.texts[start..]);
        }
        batches
    }
}

/// Calls `ask` for all batches, `at_a_time` of them at once, and returns the results in order.
/// After a failure no other batch begins.
///
/// The threads of this function only wait for a server. The caller's pool could not do that: it has
/// a thread for each core.
pub(super) fn all<T: Send, E: Send>(
    batches: &[&[&str]],
    at_a_time: usize,
    ask: impl Fn(&[&str]) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed)
            && let number = next.fetch_add(1, Ordering::Relaxed)
            && let Some(batch) = batches.get(number)
        {
            let answer = ask(batch);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            done.push((number, answer));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..at_a_time.min(batches.len())).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// A semaphore for the requests on their way, of all calls together.
pub(super) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), freed: Condvar::new() }
    }

    /// Waits for a free slot. Dropping the result frees it. A request keeps its slot while it waits
    /// to be repeated, so that a busy server is asked less.
    pub(super) fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

/// A slot that is in use.
pub(super) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
