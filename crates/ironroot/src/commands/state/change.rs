//! `ironroot state rekey` and `accept-rollback`.

use ironroot_store::{Cost, CounterChange, FileStore, KeyChange};
use serde_json::json;

use super::{existing, shown};
use crate::{
    cli::{AcceptRollback, Rekey},
    failure::Result,
};

/// Seals the state anew. The TPM and its identity stay the same.
///
/// # Errors
/// What failed; the state is then as it was.
pub fn rekey(arguments: &Rekey) -> Result {
    let (place, anchor) = existing(&arguments.place)?;
    let key = match &arguments.new_key {
        Some(source) => KeyChange::Set(source.load()?, Cost::RECOMMENDED),
        None if arguments.remove_key => KeyChange::Remove,
        None => KeyChange::Keep,
    };
    let counter = match &arguments.new_counter {
        Some(counter) => CounterChange::Set(counter.for_new(&place.folder, place.asker)?),
        None if arguments.remove_counter => CounterChange::Remove,
        None => CounterChange::Keep,
    };
    let sequence = FileStore::rekey(&place.folder, place.access(&anchor)?, key, counter)?;
    if arguments.json {
        println!("{}", json!({ "state": shown(&place.folder), "sequence": sequence }));
    } else {
        println!("{}: sealed anew, sequence number {sequence}", place.folder.display());
        println!(
            "Copies of the folder from before still open with the old key; destroy them if that key is known to others."
        );
    }
    Ok(())
}

/// Goes on with an old state. What was committed since is lost.
///
/// # Errors
/// What failed, or that there is nothing to accept; the state is then as it was.
pub fn accept_rollback(arguments: &AcceptRollback) -> Result {
    let (place, anchor) = existing(&arguments.place)?;
    let counter =
        arguments.new_counter.as_ref().map(|counter| counter.for_new(&place.folder, place.asker)).transpose()?;
    let done = FileStore::accept_rollback(&place.folder, place.access(&anchor)?, &arguments.reason, counter)?;
    tracing::warn!("{}: rollback accepted: {}", place.folder.display(), arguments.reason);
    if arguments.json {
        println!(
            "{}",
            json!({
                "state": shown(&place.folder),
                "was": done.state,
                "counter": done.counter,
                "sequence": done.sequence,
                "reason": arguments.reason,
            })
        );
    } else {
        let counter = done.counter.map_or_else(|| "lost".into(), |number| number.to_string());
        println!(
            "{}: goes on from the state {} (its counter: {counter}) with sequence number {}",
            place.folder.display(),
            done.state,
            done.sequence
        );
        println!(
            "What was committed since that state is lost: NV contents and counters, persistent keys, failed authorizations."
        );
    }
    Ok(())
}
