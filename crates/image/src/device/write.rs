//! Writing a slot, a chunk at a time, from where an interrupted try has come to.

use std::{collections::BTreeMap, io::Read};

use ironroot_package::{CHUNK, ContentKey, Package, PackageError};

use super::Device;
use crate::{
    Description, ImageError, Install, Installed, SlotName,
    error::refused,
    journal::{Journal, Writing},
    slot::{Target, holds},
};

/// After so many chunks what was written goes to the disk, and into the journal. An interruption costs no more than these.
const STEP: u64 = 4;

impl Device<'_> {
    /// Fills a slot, and notes what it holds. Gives the bytes that were written now.
    #[expect(clippy::too_many_arguments, reason = "each is one thing, and there is one caller")]
    pub(super) fn fill(
        &self,
        package: Package<impl Read>,
        key: &ContentKey,
        slot: SlotName,
        description: &Description,
        installed: &Installed,
        mut journal: Journal,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<u64, ImageError> {
        if journal.slots.get(&slot) == Some(installed) && self.is_whole(slot, description)? {
            // It was cut off right before the switch.
            return Ok(0);
        }
        let resumes = |writing: &Writing| writing.slot == slot && writing.manifest == installed.manifest;
        let writing = journal.writing.take().filter(resumes).unwrap_or_else(|| Writing {
            slot,
            manifest: installed.manifest.clone(),
            done: BTreeMap::new(),
        });
        // From here on the slot holds nothing whole.
        journal.slots.remove(&slot);
        journal.writing = Some(writing);
        self.state.save(&journal)?;

        let mut writer = Writer { device: self, description, journal, slot, open: None, written: 0, seen: 0, progress };
        let mut failure = None;
        let read = package.read(&mut |place, stored| {
            let result = match place.chunk {
                None => writer.begin(&place.file.path),
                Some(chunk) if writer.has(chunk) => {
                    writer.passed(chunk);
                    Ok(())
                }
                Some(chunk) => place
                    .content(Some(key), stored)
                    .map_err(ImageError::from)
                    .and_then(|content| writer.chunk(chunk, &content)),
            };
            result.map_err(|error| {
                failure = Some(error);
                PackageError::Refused("it was not written to its end".into())
            })
        });
        if let Err(error) = read {
            return Err(failure.unwrap_or_else(|| error.into()));
        }
        writer.close()?;
        let (mut journal, written) = (writer.journal, writer.written);
        journal.writing = None;
        if !self.is_whole(slot, description)? {
            self.state.save(&journal)?;
            return refused(format!(
                "what slot {slot} gives back is not what was written to it: the next try writes all of it again; if it fails \
                 as well, the medium is broken"
            ));
        }
        journal.slots.insert(slot, installed.clone());
        self.state.save(&journal)?;
        Ok(written)
    }

    /// Whether a slot gives back every component as its signer signed it.
    pub(super) fn is_whole(&self, slot: SlotName, description: &Description) -> Result<bool, ImageError> {
        for (id, component) in &description.components {
            let Some(path) = self.config.slot(slot).get(id) else { return Ok(false) };
            if !holds(path, component)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A slot that is being filled.
struct Writer<'a, 'b> {
    device: &'a Device<'a>,
    description: &'a Description,
    journal: Journal,
    slot: SlotName,
    open: Option<Open>,
    written: u64,
    /// Bytes of the image that have been dealt with.
    seen: u64,
    progress: &'b mut dyn FnMut(u64, u64),
}

/// The component that is being written.
struct Open {
    id: String,
    target: Target,
    size: u64,
    /// Chunks that are on the disk, or were when this began.
    done: u64,
    /// Chunks that have been written.
    next: u64,
}

impl Writer<'_, '_> {
    fn begin(&mut self, id: &str) -> Result<(), ImageError> {
        self.close()?;
        let place = self.device.config.slot(self.slot).get(id).zip(self.description.components.get(id));
        let Some((path, component)) = place else { return refused(format!("this device has no place for {id}")) };
        let chunks = component.size.div_ceil(CHUNK);
        let known = self.journal.writing.as_ref().and_then(|writing| writing.done.get(id)).copied();
        let mut done = known.unwrap_or_default().min(chunks);
        if known.is_none() && component.install == Install::WriteIfDifferent && holds(path, component)? {
            done = chunks;
        }
        let target = Target::open(path, component)?;
        self.open = Some(Open { id: id.to_owned(), target, size: component.size, done, next: done });
        Ok(())
    }

    /// Whether a chunk of the component is on the disk already.
    fn has(&self, chunk: u64) -> bool {
        self.open.as_ref().is_some_and(|open| chunk < open.done)
    }

    fn passed(&mut self, chunk: u64) {
        let size =
            self.open.as_ref().map_or(0, |open| open.size.saturating_sub(chunk.saturating_mul(CHUNK)).min(CHUNK));
        self.seen = self.seen.saturating_add(size);
        (self.progress)(self.seen, self.description.total());
    }

    fn chunk(&mut self, chunk: u64, content: &[u8]) -> Result<(), ImageError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        open.target.write(chunk.saturating_mul(CHUNK), content)?;
        open.next = chunk.saturating_add(1);
        self.written = self.written.saturating_add(content.len() as u64);
        if open.next.saturating_sub(open.done) >= STEP {
            open.target.flush()?;
            open.done = open.next;
            self.note()?;
        }
        self.passed(chunk);
        Ok(())
    }

    /// Completes the component that is open.
    fn close(&mut self) -> Result<(), ImageError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.target.finish()?;
        if let Some(writing) = &mut self.journal.writing {
            writing.done.insert(open.id, open.size.div_ceil(CHUNK));
        }
        self.device.state.save(&self.journal)
    }

    fn note(&mut self) -> Result<(), ImageError> {
        if let (Some(writing), Some(open)) = (&mut self.journal.writing, &self.open) {
            writing.done.insert(open.id.clone(), open.done);
        }
        self.device.state.save(&self.journal)
    }
}
