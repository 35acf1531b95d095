//! Locks on objects: taken, lost, left behind.
#![allow(clippy::unwrap_used)]

use object_store::memory::InMemory;

use super::*;
use crate::storage::client::Kind;

fn memory() -> Location {
    let (text, root) = ("s3://b/work/lock".to_owned(), "s3://b".to_owned());
    Location { store: Arc::new(InMemory::new()), key: "work/lock".into(), text, root, kind: Kind::Amazon }
}

fn take(at: &Location, patience: Duration) -> Result<Lock> {
    Lock::take_at(at.clone(), "s3://b/work".to_owned(), patience)
}

fn leave(at: &Location, owner: &Owner) {
    assert!(matches!(at.put(owner, PutMode::Overwrite).unwrap(), Put::Done));
}

#[test]
fn a_folder_is_taken_once_and_again_when_its_owner_has_gone() {
    let at = memory();
    let lock = take(&at, PATIENCE).unwrap();
    lock.check().unwrap();
    lock.confirm().unwrap();
    #[cfg(target_os = "linux")]
    assert!(take(&at, PATIENCE).unwrap_err().to_string().contains("another semdedup"));
    drop(lock);
    assert!(at.owner().unwrap().is_none(), "an owner that goes leaves nothing");
    let owner = Owner::this_process();
    leave(&at, &Owner { started: owner.started + 1, ..owner.clone() });
    #[cfg(target_os = "linux")]
    take(&at, PATIENCE).unwrap();
    // From elsewhere it cannot be seen whether it lives: it shows nothing, so it is dead.
    leave(&at, &Owner { machine: "another".to_owned(), ..owner });
    let lock = take(&at, LOOK).unwrap();
    // Somebody took this one for dead: what is his now stays his.
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    drop(lock);
    assert_eq!(at.owner().unwrap().unwrap().0.token, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_of_this_machine_is_seen_to_run_or_not_and_one_of_another_is_not_seen() {
    let this = Owner::this_process();
    assert_eq!(this.is_alive(), Some(true));
    assert_eq!(Owner { started: this.started + 1, ..this.clone() }.is_alive(), Some(false));
    assert_eq!(Owner { process: u32::MAX, ..this.clone() }.is_alive(), Some(false));
    // The highest number that Linux gives is 2²² - 1.
    assert_eq!(Owner { process: 1 << 30, ..this.clone() }.is_alive(), Some(false));
    assert!(is_there(1), "a process of somebody else is there, whoever may look at it");
    assert_eq!(Owner { machine: "another".to_owned(), ..this }.is_alive(), None);
}

#[test]
fn nothing_is_written_or_removed_where_the_lock_was_lost() {
    let at = memory();
    // Of its own: all locks of this process are looked through.
    let lock = Lock::take_at(at.clone(), "s3://b/guarded".to_owned(), PATIENCE).unwrap();
    let Held::Object(shared) = &lock.0 else { panic!("not an object") };
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    // The last sign of life is fresh still; after a while, or where the clock was set back, it is not.
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
    let now = SystemTime::now();
    for stale in [now - 2 * FRESH, now + 2 * FRESH] {
        shared.lost.store(false, Ordering::Relaxed);
        *shared.confirmed.lock().unwrap() = stale;
        let error = check_held("s3://b/guarded/embed/part-00000.json").unwrap_err();
        assert!(error.to_string().contains("took this over"), "{error}");
    }
    check_held("s3://b/guarded-too/a").unwrap();
    assert!(lock.confirm().is_err());
    drop(lock);
    check_held("s3://b/guarded/embed/part-00000.json").unwrap();
}

#[test]
fn before_the_truth_is_written_the_store_is_asked_however_fresh_the_lock_is() {
    let at = memory();
    let lock = take(&at, PATIENCE).unwrap();
    leave(&at, &Owner { token: 1, ..Owner::this_process() });
    assert!(lock.confirm().unwrap_err().to_string().contains("took this over"));
    assert!(lock.check().is_err());
}
