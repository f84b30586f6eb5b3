//! Part 3: see the files of this folder.

use super::Entry;

/// The commands of this chapter.
pub const ACTIONS: &[Entry] = &[];
