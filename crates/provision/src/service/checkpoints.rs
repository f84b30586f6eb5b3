//! The end of the audit, kept outside the database: whoever puts an older copy of the database back is seen by it.

use std::{path::PathBuf, time::Duration};

use tokio::sync::watch;

use crate::{files, store::Store};

/// How often the end is kept.
const PERIOD: Duration = Duration::from_secs(10);

/// Keeps the end until the service stops, and once more then.
pub(super) async fn keep(store: Store, path: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut last = 0;
    loop {
        let stopping = tokio::time::timeout(PERIOD, stop.changed()).await.is_ok();
        match store.checkpoint().await {
            Ok(Some(checkpoint)) if checkpoint.number != last => {
                last = checkpoint.number;
                let written = serde_json::to_vec(&checkpoint)
                    .map_err(|error| error.to_string())
                    .and_then(|text| files::replace(&path, &text).map_err(|error| error.to_string()));
                if let Err(error) = written {
                    tracing::warn!(error, "the end of the audit could not be kept");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the end of the audit could not be read"),
        }
        if stopping {
            return;
        }
    }
}
