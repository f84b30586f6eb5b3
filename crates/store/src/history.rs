//! What has happened to a state beside commits: rollbacks that were accepted, imports, new keys. Sealed in the state.

use std::time::SystemTime;

/// Older events are dropped when there are more than this.
const MAX_EVENTS: usize = 64;
/// An event is cut to this many bytes.
const MAX_EVENT: usize = 512;

/// The events, oldest first: seconds of the UNIX epoch, and what happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(pub Vec<(u64, String)>);

impl History {
    /// Reads what [`Self::write`] wrote: a line for each event.
    pub fn read(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        Self(
            text.lines()
                .filter_map(|line| line.split_once(' '))
                .filter_map(|(time, what)| Some((time.parse().ok()?, what.into())))
                .collect(),
        )
    }

    /// The history as text.
    pub fn write(&self) -> Vec<u8> {
        self.0.iter().map(|(time, what)| format!("{time} {what}\n")).collect::<String>().into_bytes()
    }

    /// With one more event, which happened now.
    pub fn with(mut self, event: &str) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        // One line, whatever people write into it.
        let mut what: String = event.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        while what.len() > MAX_EVENT {
            what.pop();
        }
        self.0.push((now, what));
        let surplus = self.0.len().saturating_sub(MAX_EVENTS);
        self.0.drain(..surplus);
        self
    }
}
